/** The calls of `node:fs` that lead to the simulated disk: those below its root, and what a process asks of itself. */
import fs from 'node:fs'
import { Readable } from 'node:stream'
import timers from 'node:timers/promises'
import type { Disk, OpenFlags } from './disk.js'
import { FIRST_FD, systemError } from './disk.js'
import type { Replace } from './patches.js'

export interface FilesOptions {
  root: string
  disk: Disk
  /** Carries out a call, or has it fail. `most`: a write of no more bytes. */
  call<T>(name: string, path: string, done: (most?: number) => T): T
  /** What another thread does takes a while. */
  after(run: () => void): void
  utcMs(): number
  /** What tells the process from one before it with the same number. */
  identity(): { bootId: string; startTicks: string }
}

type Arguments = readonly unknown[]

export function patchFiles(replace: Replace, options: FilesOptions): void {
  const { root, disk, call, after, utcMs } = options
  const paths = new Map<number, string>()
  const isOurs = (at: unknown): boolean =>
    typeof at === 'number' ? at >= FIRST_FD : typeof at === 'string' && `${at}/`.startsWith(`${root}/`)
  const nameOf = (at: unknown): string =>
    typeof at === 'number' ? (paths.get(at) ?? '') : typeof at === 'string' ? at : ''
  const fdOf = (at: unknown): number => (typeof at === 'number' ? at : -1)

  const open = (path: string, flags: unknown): number => {
    const fd = disk.open(path, flagsOf(flags), utcMs())
    paths.set(fd, path)
    return fd
  }
  const close = (fd: number): void => {
    paths.delete(fd)
    disk.close(fd)
  }
  /** As Node: the bytes from `offset` on. */
  const write = (fd: number, bytes: unknown, offset: unknown, most?: number): number => {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('only bytes are written here')
    return disk.write(fd, bytes.subarray(typeof offset === 'number' ? offset : 0), utcMs(), most)
  }
  const text = (bytes: Buffer, encoding: unknown): Buffer | string =>
    encoding === 'utf8' ? bytes.toString('utf8') : bytes

  const real = (of: object, name: string): ((...args: Arguments) => unknown) => {
    const found: unknown = Reflect.get(of, name)
    if (typeof found !== 'function') throw new Error(`no ${name}`)
    return (...args) => Reflect.apply(found, of, args)
  }
  /** @param kind what faults and kills call it */
  const sync = (name: string, kind: string, ours: (args: Arguments, most?: number) => unknown): void => {
    const theirs = real(fs, name)
    replace(fs, name, (...args) =>
      isOurs(args[0]) ? call(kind, nameOf(args[0]), (most) => ours(args, most)) : theirs(...args),
    )
  }
  const later = <T>(kind: string, path: string, done: (most?: number) => T): Promise<T> =>
    new Promise((resolve, reject) => {
      after(() => {
        try {
          resolve(call(kind, path, done))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
  const async = (name: string, kind: string, ours: (args: Arguments) => unknown): void => {
    const theirs = real(fs.promises, name)
    replace(fs.promises, name, (...args) =>
      isOurs(args[0]) ? later(kind, nameOf(args[0]), () => ours(args)) : theirs(...args),
    )
  }
  const handle = (fd: number, path: string): object => ({
    fd,
    write: async (bytes: unknown, offset: unknown) => ({
      bytesWritten: await later('write', path, (most) => write(fd, bytes, offset, most)),
    }),
    sync: () => later('fsync', path, () => disk.sync(fd)),
    datasync: () => later('fsync', path, () => disk.sync(fd)),
    truncate: (length: unknown) => later('truncate', path, () => disk.truncate(fd, Number(length))),
    close: () => later('close', path, () => close(fd)),
  })

  sync('openSync', 'open', ([path, flags]) => open(nameOf(path), flags))
  sync('closeSync', 'close', ([fd]) => close(fdOf(fd)))
  sync('writeSync', 'write', ([fd, bytes, offset], most) => write(fdOf(fd), bytes, offset, most))
  sync('fsyncSync', 'fsync', ([fd]) => disk.sync(fdOf(fd)))
  sync('ftruncateSync', 'truncate', ([fd, length]) => disk.truncate(fdOf(fd), Number(length)))
  sync('rmSync', 'unlink', ([path]) => remove(nameOf(path)))
  sync('utimesSync', 'utime', ([path]) => disk.touch(nameOf(path), utcMs()))
  async('open', 'open', ([path, flags]) => handle(open(nameOf(path), flags), nameOf(path)))
  async('mkdir', 'mkdir', ([path, given]) => makeFolder(nameOf(path), given))
  async('rm', 'unlink', ([path]) => remove(nameOf(path)))
  async('rename', 'rename', ([from, to]) => disk.rename(nameOf(from), nameOf(to)))
  async('readFile', 'read', ([path, encoding]) => text(disk.read(nameOf(path)), encoding))
  async('readdir', 'read', ([path]) => disk.list(nameOf(path)))
  async('stat', 'stat', ([path]) => disk.stat(nameOf(path)))
  async('realpath', 'stat', ([path]) => {
    disk.stat(nameOf(path))
    return path
  })
  async('readlink', 'stat', ([path]) => {
    disk.stat(nameOf(path))
    throw systemError('EINVAL', 'readlink', nameOf(path))
  })

  function makeFolder(path: string, given: unknown): void {
    try {
      disk.makeFolder(path, utcMs())
    } catch (error) {
      // `recursive` minds none that is there.
      const isRecursive = typeof given === 'object' && given !== null && 'recursive' in given
      if (!(isRecursive && isCode(error, 'EEXIST'))) throw error
    }
  }
  /** `force`, as everywhere in the program: what is not there is no fault. */
  function remove(path: string): void {
    try {
      disk.remove(path)
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error
    }
  }

  const readSync = real(fs, 'readFileSync')
  replace(fs, 'readFileSync', (...args) => {
    const [path, encoding] = args
    if (isOurs(path))
      return call('read', nameOf(path), () =>
        text(disk.read(typeof path === 'number' ? path : nameOf(path)), encoding),
      )
    const { bootId, startTicks } = options.identity()
    if (path === '/proc/sys/kernel/random/boot_id') return bootId
    if (path === `/proc/${process.pid}/stat`)
      return `${process.pid} (node) S ${'0 '.repeat(18)}${startTicks} 0`
    return readSync(...args)
  })
  const createStream = real(fs, 'createReadStream')
  replace(fs, 'createReadStream', (...args) => {
    const [path] = args
    if (!isOurs(path)) return createStream(...args)
    async function* chunks(): AsyncGenerator<Buffer> {
      yield await later('read', nameOf(path), () => disk.read(nameOf(path)))
    }
    return Readable.from(chunks())
  })
  replace(timers, 'setTimeout', (ms: unknown, value: unknown, given: unknown) => sleep(ms, value, given))
}

/** `timers/promises`: rejects where its signal fires. */
function sleep(ms: unknown, value: unknown, given: unknown): Promise<unknown> {
  const signal =
    typeof given === 'object' && given !== null && 'signal' in given && given.signal instanceof AbortSignal
      ? given.signal
      : null
  return new Promise((resolve, reject) => {
    const stopped = (): void => reject(new DOMException('aborted', 'AbortError'))
    if (signal?.aborted === true) return stopped()
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve(value)
    }, Number(ms))
    const onAbort = (): void => {
      clearTimeout(timer)
      stopped()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function flagsOf(flags: unknown): OpenFlags {
  if (flags === 'a+') return { create: true, exclusive: false, append: true }
  if (flags === 'wx') return { create: true, exclusive: true, append: false }
  if (flags === 'r' || flags === undefined) return { create: false, exclusive: false, append: false }
  if (typeof flags !== 'number') throw new Error('such flags are not simulated')
  const { O_CREAT, O_EXCL, O_APPEND } = fs.constants
  const has = (flag: number): boolean => (flags & flag) !== 0
  return { create: has(O_CREAT), exclusive: has(O_EXCL), append: has(O_APPEND) }
}
