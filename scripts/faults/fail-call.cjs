// @ts-check
/**
 * Loaded into a process by `--require`: names its calls to the disk (below PLUMBLINE_TORTURE_ROOT) and to sockets, and makes
 * the one that PLUMBLINE_TORTURE_CALL names fail with the code PLUMBLINE_TORTURE_CODE. KILL ends the process there instead, a
 * write half done. A name is the function, the path and which call of that function on that path it is, so that it means
 * the same call in another run. At exit all names stand in the file PLUMBLINE_TORTURE_CALLS, in the order of the calls.
 */
const fs = require('node:fs')
const net = require('node:net')
const { syncBuiltinESMExports } = require('node:module')
const { relative, resolve } = require('node:path')
const { fileURLToPath } = require('node:url')
const { isMainThread } = require('node:worker_threads')

const { env } = process
const root = env['PLUMBLINE_TORTURE_ROOT'] ?? ''
const wanted = env['PLUMBLINE_TORTURE_CALL'] ?? ''
const code = env['PLUMBLINE_TORTURE_CODE'] ?? 'EIO'
/** `disk`, `socket`, or `journal`: writes only. */
const what = env['PLUMBLINE_TORTURE_WHAT'] ?? 'disk'
const real = { writeSync: fs.writeSync, appendFileSync: fs.appendFileSync, writeFileSync: fs.writeFileSync }

/** @type {string[]} */
const calls = []
/** @type {Map<string, number>} */
const counts = new Map()

/** Whether the call that is made now is to fail. @param {string} name @param {string} [path] */
function isDue(name, path = '') {
  const call = `${name} ${path}`.trim()
  const n = (counts.get(call) ?? 0) + 1
  counts.set(call, n)
  calls.push(`${call} #${n}`)
  return calls.at(-1) === wanted
}

/** A path without what differs from run to run: ids of runs, names of temporary files. @param {string} path */
function lasting(path) {
  const below = relative(root, resolve(path)) || '.'
  return below.replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{4}/g, 'RUN').replaceAll(/\b[0-9a-f]{8,}\b/g, 'X')
}

/** @param {string} name */
function failure(name) {
  return Object.assign(new Error(`${code}: made to fail, ${name}`), { code, syscall: name, errno: -1 })
}

/** Lasting paths of open files below the root. @type {Map<unknown, string>} */
const ours = new Map()
/** The lasting path of what is below the root; null elsewhere. @param {unknown} at a path or a descriptor @returns {string | null} */
function ownPath(at) {
  if (typeof at === 'number') return ours.get(at) ?? null
  const path = typeof at === 'string' ? resolve(at) : at instanceof URL ? fileURLToPath(at) : ''
  return path.startsWith(root) ? lasting(path) : null
}

/** Calls whose first argument is a path or a descriptor. */
const SYNC = [
  'openSync',
  'writeSync',
  'ftruncateSync',
  'readFileSync',
  'fsyncSync',
  'fdatasyncSync',
  'mkdirSync',
]
SYNC.push(
  'renameSync',
  'unlinkSync',
  'rmSync',
  'statSync',
  'linkSync',
  'utimesSync',
  'readdirSync',
  'writeFileSync',
)
SYNC.push('realpathSync', 'futimesSync', 'closeSync', 'appendFileSync')
const ASYNC = [
  'open',
  'mkdir',
  'rm',
  'unlink',
  'rename',
  'readFile',
  'writeFile',
  'readdir',
  'stat',
  'lstat',
  'realpath',
]
ASYNC.push('link', 'utimes', 'readlink', 'access', 'appendFile', 'chmod')
/** With a callback: what the streams of files are made of. */
const CALLBACK = ['open', 'read', 'write', 'writev', 'close']
const HANDLE = [
  'write',
  'writeFile',
  'read',
  'readFile',
  'datasync',
  'sync',
  'truncate',
  'stat',
  'close',
  'appendFile',
]

/**
 * Puts another function in the place of `of[name]`, where there is one.
 * @param {object} of @param {string} name
 * @param {(call: (...args: unknown[]) => any) => (this: unknown, ...args: unknown[]) => unknown} make
 */
function replace(of, name, make) {
  const call = Reflect.get(of, name)
  if (typeof call === 'function') Reflect.set(of, name, make(call))
}

function patchDisk() {
  for (const name of SYNC)
    replace(fs, name, (call) => (...args) => {
      const path = ownPath(args[0])
      if (path === null) return call(...args)
      if (isDue(name, path)) {
        // A file must be closed all the same, or the process runs out of them.
        if (name === 'closeSync') call(...args)
        throw failure(name)
      }
      const answer = call(...args)
      if (name === 'openSync') ours.set(answer, path)
      if (name === 'closeSync') ours.delete(args[0])
      return answer
    })
  for (const name of ASYNC)
    replace(fs.promises, name, (call) => async (...args) => {
      const path = ownPath(args[0])
      if (path === null) return call(...args)
      if (isDue(name, path)) throw failure(name)
      const answer = await call(...args)
      if (name === 'open') patchHandle(answer, path)
      return answer
    })
  patchStreams()
}

function patchStreams() {
  for (const name of CALLBACK)
    replace(fs, name, (call) => (...args) => {
      const answer = args.at(-1)
      const path = ownPath(args[0])
      if (path === null || typeof answer !== 'function') return call(...args)
      if (isDue(`stream.${name}`, path)) {
        const told = () => void answer(failure(name))
        return name === 'close' ? call(args[0], told) : process.nextTick(told)
      }
      if (name === 'close') ours.delete(args[0])
      if (name !== 'open') return call(...args)
      const noted = (/** @type {unknown} */ error, /** @type {number} */ fd) => {
        if (!error) ours.set(fd, path)
        answer(error, fd)
      }
      return call(...args.slice(0, -1), noted)
    })
}

/** @param {import('node:fs/promises').FileHandle} handle @param {string} path */
function patchHandle(handle, path) {
  ours.set(handle.fd, path)
  for (const name of HANDLE)
    replace(handle, name, (call) => async (...args) => {
      if (name === 'close') ours.delete(handle.fd)
      if (!isDue(`handle.${name}`, path)) return call.apply(handle, args)
      if (name === 'close') await call.apply(handle, args)
      throw failure(name)
    })
}

function patchJournal() {
  fs.writeSync = /** @type {typeof fs.writeSync} */ (
    (/** @type {number} */ fd, /** @type {any} */ bytes, /** @type {any[]} */ ...rest) => {
      if (fd <= 2 || !isDue('writeSync')) return real.writeSync(fd, bytes, ...rest)
      if (code !== 'KILL') throw failure('writeSync')
      real.writeSync(fd, bytes, 0, Math.floor(bytes.length * Number(env['PLUMBLINE_TORTURE_SHARE'] ?? 0.5)))
      process.kill(process.pid, 'SIGKILL')
      return 0
    }
  )
}

function patchSockets() {
  // `_writeGeneric` is what every write of a socket comes to.
  for (const name of ['connect', '_writeGeneric'])
    replace(net.Socket.prototype, name, (call) => {
      return function (...args) {
        const socket = this
        const isOwnOutput = socket === process.stdout || socket === process.stderr
        if (!(socket instanceof net.Socket) || isOwnOutput || !isDue(`socket.${name}`))
          return call.apply(socket, args)
        process.nextTick(() => socket.destroy(failure(name)))
        return socket
      }
    })
}

// Only the program itself: not its children, not its threads.
if (isMainThread && (process.argv[1] ?? '').endsWith('main.js')) {
  if (what === 'disk') patchDisk()
  else if (what === 'journal') patchJournal()
  else patchSockets()
  syncBuiltinESMExports()
  process.on('exit', () => {
    const file = env['PLUMBLINE_TORTURE_CALLS']
    if (file !== undefined) real.writeFileSync(file, JSON.stringify(calls))
  })
}
