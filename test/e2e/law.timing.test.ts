/** Whole runs of the command line against servers whose law it cannot know: it must find it. More draws: `law.long.test.ts`. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished, test, vi } from 'vitest'
import { drawLaw, expectLaw, expectSimulatedLaw, PATIENCE_MS } from './law.js'

vi.setConfig({ testTimeout: PATIENCE_MS })

test.each([1, 2])(
  'a law of the simulated provider drawn at random comes back: base within 2 ms, slope 3 %, tpot 2 % (draw %i)',
  expectSimulatedLaw,
)

test('a law of a bare node:http server comes back: base within 2 ms, slope 3 %, tpot 2 %', async () => {
  const law = drawLaw()
  const entry = fileURLToPath(new URL('./bare-server.mjs', import.meta.url))
  const server = spawn(process.execPath, [entry, JSON.stringify(law)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void server.kill('SIGKILL'))
  const port = await new Promise<string>((resolve) =>
    createInterface({ input: server.stdout }).once('line', resolve),
  )
  await expectLaw(`http://127.0.0.1:${port}/v1`, law)
})
