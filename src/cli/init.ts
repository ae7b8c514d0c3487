/** `plumbline init`: a scenario, a pipeline and a .gitignore to start with. */
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { providers } from '../run/tables.js'
import { initFiles } from '../scenario/init.js'
import type { InitAnswers, InitFile } from '../scenario/init.js'
import { harnessVersion } from '../snapshot/provenance.js'
import { makeFolder } from '../snapshot/store.js'
import { terminalText } from '../border/escape.js'
import { didYouMean } from '../border/nearest.js'
import { systemCode, systemReason } from '../border/system-error.js'
import type { Register } from './command.js'
import type { ExitCode, Io } from './io.js'
import { refuse } from './io.js'

interface InitFlags {
  ci: string
  provider?: string
  model?: string
  apiKeyEnv?: string
  force?: boolean
  json?: boolean
}

export const initCommand: Register = (command, io, done) => {
  command
    .option('--ci <kind>', 'github or gitlab', 'github')
    .option('--provider <name>', 'a preset of plumbline providers (default: the simulated provider)')
    .option('--model <name>', 'what to measure')
    .option('--api-key-env <name>', 'variable that holds the key (default: the usual one of the provider)')
    .option('--force', 'replace files that are there')
    .option('--json', 'one JSON document on stdout: what became of each file')
    .action(async (flags: InitFlags) => done(await init(flags, io)))
}

async function init(flags: InitFlags, io: Io): Promise<ExitCode> {
  const { ci } = flags
  const isJson = flags.json === true
  if (ci !== 'github' && ci !== 'gitlab')
    return refuse([`--ci ${ci} is neither github nor gitlab`], isJson, io)
  const asked = isTerminal() ? await ask(flags) : flags
  if (asked === null) {
    io.err('\nnothing was written\n')
    return 130
  }
  const answers = answersOf(asked)
  if (typeof answers === 'string') return refuse([answers], isJson, io)
  const files: { path: string; said: string }[] = []
  for (const file of initFiles(answers, ci, harnessVersion)) {
    let said: string
    try {
      said = await write(file, flags.force === true, io)
    } catch (error) {
      if (systemCode(error) === null) throw error
      return refuse(
        [`${file.path}: cannot be written: ${systemReason(error)}; mend that and run it again`],
        isJson,
        io,
      )
    }
    files.push({ path: file.path, said })
    io.err(`${terminalText(file.path)}: ${said}\n`)
  }
  if (ci === 'gitlab') io.err("add to .gitlab-ci.yml: include: [{ local: '/plumbline.gitlab-ci.yml' }]\n")
  if (answers.keyEnv !== null && !io.env[answers.keyEnv]) {
    io.err(`set ${answers.keyEnv} to the key first, here and as a secret of the pipeline\n`)
  }
  const next = 'npx llm-plumbline run plumbline.yaml --dry-run'
  io.out(isJson ? `${JSON.stringify({ exit: 0, files, next })}\n` : `${next}\n`)
  return 0
}

function isTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** Provider, model, key variable; what a flag says is not asked. Null where the terminal was closed over a question. */
async function ask(flags: InitFlags): Promise<InitFlags | null> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and Ctrl-D close it, and a question that waits then is never answered.
  const closed = new AbortController()
  lines.once('close', () => closed.abort())
  try {
    const answer = async (question: string, usual: string): Promise<string> =>
      (await lines.question(`${question} [${usual}]: `, { signal: closed.signal })).trim() || usual
    const provider =
      flags.provider ?? (await answer('provider (plumbline providers lists them)', 'simulated'))
    const preset = Object.hasOwn(providers, provider) ? providers[provider] : undefined
    if (preset === undefined) return { ...flags, provider }
    const [cheapest = 'model'] = Object.keys(preset.prices)
    const model = flags.model ?? (await answer('model', cheapest))
    const usual = preset.apiKeyEnv ?? 'none'
    const key = flags.apiKeyEnv ?? (await answer('variable that holds the key', usual))
    return { ...flags, provider, model, apiKeyEnv: key }
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return null
    throw error
  } finally {
    lines.close()
  }
}

/** A sentence where they do not fit. */
function answersOf({ provider, model, apiKeyEnv }: InitFlags): InitAnswers | string {
  if (provider === undefined || provider === 'simulated') {
    return { provider: null, model: model ?? 'simulated', keyEnv: null }
  }
  const preset = Object.hasOwn(providers, provider) ? providers[provider] : undefined
  if (preset === undefined)
    return `no provider is called ${provider}${didYouMean(provider, Object.keys(providers))}: plumbline providers lists them`
  if (model === undefined) return `--model is needed with --provider ${provider}`
  const keyEnv = apiKeyEnv === 'none' ? null : (apiKeyEnv ?? preset.apiKeyEnv)
  if (keyEnv !== null && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(keyEnv)) {
    return '--api-key-env takes the name of a variable, never the key itself'
  }
  return { provider: preset, model, keyEnv }
}

/** Less what the umask takes away: a repository is no secret. */
const FOR_EVERYBODY = 0o777

/** What became of the file, in a sentence. */
async function write({ path, text, adds }: InitFile, force: boolean, io: Io): Promise<string> {
  const whole = join(io.cwd, path)
  const before = await readFile(whole, 'utf8').catch(() => null)
  if (before === null) {
    await makeFolder(dirname(whole), FOR_EVERYBODY)
    await writeFile(whole, text)
    return 'written'
  }
  if (adds) {
    const present = new Set(before.split(/\r?\n/))
    const missing = text.split('\n').filter((line) => line !== '' && !present.has(line))
    if (missing.length === 0) return 'has all its lines already'
    await writeFile(
      whole,
      `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`,
    )
    return `${missing.length} lines added`
  }
  if (before === text) return 'is there already, and the same'
  if (!force) return 'IS THERE ALREADY and was left as it is; --force replaces it'
  await writeFile(whole, text)
  return 'replaced'
}
