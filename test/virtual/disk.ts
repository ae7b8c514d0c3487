/** A disk in memory that forgets what was not synced: what POSIX promises of files and folders, and that Linux writes back. */
import type { Random } from '../../src/random/random.js'

interface File {
  kind: 'file'
  data: Buffer
  /** What a power cut leaves at least. */
  safe: Buffer
  /** When the first change came that is not safe; null: all is. */
  dirtyMs: number | null
  mtimeMs: number
}

/** Names that appear or go together: a rename is one change of two. */
type Change = readonly (readonly [name: string, node: Node | null])[]

interface Folder {
  kind: 'folder'
  names: Map<string, Node>
  safe: Map<string, Node>
  /** Since the folder was last synced, in order. */
  changes: Change[]
  dirtyMs: number | null
  mtimeMs: number
}

type Node = File | Folder

export interface OpenFlags {
  create: boolean
  exclusive: boolean
  append: boolean
}

export interface Stats {
  size: number
  mtimeMs: number
  isDirectory(): boolean
}

/** Each call either is done whole or throws what Node would throw. */
export interface Disk {
  open(path: string, flags: OpenFlags, nowMs: number): number
  close(fd: number): void
  /** @param most a short write: no more than so many bytes */
  write(fd: number, bytes: Uint8Array, nowMs: number, most?: number): number
  truncate(fd: number, length: number): void
  sync(fd: number): void
  read(at: string | number): Buffer
  list(path: string): string[]
  stat(path: string): Stats
  makeFolder(path: string, nowMs: number): void
  remove(path: string): void
  rename(from: string, to: string): void
  touch(path: string, mtimeMs: number): void
  /** Every descriptor is gone; files stay as they were. */
  processDied(): void
  /** Of what was not synced an arbitrary beginning is left. */
  powerCut(random: Random): void
}

/**
 * What has waited for so long is written by the system itself: `vm.dirty_expire_centisecs` (3000) and
 * `vm.dirty_writeback_centisecs` (500), Linux, Documentation/admin-guide/sysctl/vm.rst. A process that died changes nothing in that.
 */
export const WRITE_BACK_MS = 35_000

/** Above any descriptor of the real system. */
export const FIRST_FD = 1_000_000

export function systemError(code: string, syscall: string, path = ''): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path })
}

/**
 * @param root the only folder that is there; it cannot be lost
 * @param now time that only goes forward, milliseconds
 */
export function createDisk(root: string, now: () => number): Disk {
  const top: Folder = emptyFolder(0)
  const opened = new Map<number, { node: Node; append: boolean; at: number }>()
  let lastFd = FIRST_FD

  function find(path: string): Node | null {
    let node: Node = top
    for (const name of partsOf(path)) {
      if (node.kind !== 'folder') return null
      const next: Node | undefined = node.names.get(name)
      if (next === undefined) return null
      node = next
    }
    return node
  }
  const partsOf = (path: string): string[] => path.slice(root.length).split('/').filter(Boolean)

  function nodeAt(path: string, syscall: string): Node {
    const node = find(path)
    if (node === null) throw systemError('ENOENT', syscall, path)
    return node
  }

  function parentOf(path: string, syscall: string): { folder: Folder; name: string } {
    const parts = partsOf(path)
    const folder = nodeAt([root, ...parts.slice(0, -1)].join('/'), syscall)
    if (folder.kind !== 'folder') throw systemError('ENOTDIR', syscall, path)
    return { folder, name: parts.at(-1) ?? '' }
  }

  /** What has waited long enough by now is safe, and the change that comes begins to wait. */
  function beforeChange(node: Node): void {
    writeBack(node, now())
    node.dirtyMs ??= now()
  }

  function change(folder: Folder, changes: Change): void {
    beforeChange(folder)
    apply(folder.names, changes)
    folder.changes.push(changes)
  }

  function fileOf(fd: number, syscall: string): { node: File; append: boolean; at: number } {
    const handle = opened.get(fd)
    if (handle === undefined) throw systemError('EBADF', syscall)
    if (handle.node.kind !== 'file') throw systemError('EISDIR', syscall)
    return { ...handle, node: handle.node }
  }

  return {
    open(path, { create, exclusive, append }, nowMs) {
      let node = find(path)
      if (node !== null && exclusive) throw systemError('EEXIST', 'open', path)
      if (node === null) {
        if (!create) throw systemError('ENOENT', 'open', path)
        const { folder, name } = parentOf(path, 'open')
        node = { kind: 'file', data: Buffer.alloc(0), safe: Buffer.alloc(0), dirtyMs: null, mtimeMs: nowMs }
        change(folder, [[name, node]])
      }
      opened.set(++lastFd, { node, append, at: 0 })
      return lastFd
    },
    close(fd) {
      if (!opened.delete(fd)) throw systemError('EBADF', 'close')
    },
    write(fd, bytes, nowMs, most = Infinity) {
      const { node, append, at } = fileOf(fd, 'write')
      beforeChange(node)
      const written = Math.min(bytes.length, most)
      const start = append ? node.data.length : at
      node.data = Buffer.concat([node.data.subarray(0, start), bytes.subarray(0, written)])
      node.mtimeMs = nowMs
      opened.set(fd, { node, append, at: start + written })
      return written
    },
    truncate(fd, length) {
      const { node } = fileOf(fd, 'ftruncate')
      beforeChange(node)
      node.data = node.data.subarray(0, length)
    },
    sync(fd) {
      const handle = opened.get(fd)
      if (handle === undefined) throw systemError('EBADF', 'fsync')
      makeSafe(handle.node)
    },
    read(at) {
      const node = typeof at === 'number' ? fileOf(at, 'read').node : nodeAt(at, 'open')
      if (node.kind !== 'file') throw systemError('EISDIR', 'read', String(at))
      return node.data
    },
    list(path) {
      const node = nodeAt(path, 'scandir')
      if (node.kind !== 'folder') throw systemError('ENOTDIR', 'scandir', path)
      return [...node.names.keys()].sort()
    },
    stat(path) {
      const node = nodeAt(path, 'stat')
      const size = node.kind === 'file' ? node.data.length : 0
      return { size, mtimeMs: node.mtimeMs, isDirectory: () => node.kind === 'folder' }
    },
    makeFolder(path, nowMs) {
      if (find(path) !== null) throw systemError('EEXIST', 'mkdir', path)
      const { folder, name } = parentOf(path, 'mkdir')
      change(folder, [[name, emptyFolder(nowMs)]])
    },
    remove(path) {
      nodeAt(path, 'unlink')
      const { folder, name } = parentOf(path, 'unlink')
      change(folder, [[name, null]])
    },
    rename(from, to) {
      const node = nodeAt(from, 'rename')
      const old = parentOf(from, 'rename')
      const { folder, name } = parentOf(to, 'rename')
      if (old.folder !== folder) throw systemError('EXDEV', 'rename', from)
      change(folder, [
        [name, node],
        [old.name, null],
      ])
    },
    touch(path, mtimeMs) {
      nodeAt(path, 'utime').mtimeMs = mtimeMs
    },
    processDied: () => opened.clear(),
    powerCut(random) {
      opened.clear()
      cut(top, now(), random)
    },
  }
}

function emptyFolder(mtimeMs: number): Folder {
  return { kind: 'folder', names: new Map(), safe: new Map(), changes: [], dirtyMs: null, mtimeMs }
}

function apply(names: Map<string, Node>, changes: Change): void {
  for (const [name, node] of changes) {
    if (node === null) names.delete(name)
    else names.set(name, node)
  }
}

/** A file's bytes, or a folder's names: not the one with the other (fsync(2)). */
function makeSafe(node: Node): void {
  node.dirtyMs = null
  if (node.kind === 'file') {
    node.safe = node.data
    return
  }
  node.safe = new Map(node.names)
  node.changes = []
}

function writeBack(node: Node, nowMs: number): void {
  if (node.dirtyMs !== null && nowMs - node.dirtyMs >= WRITE_BACK_MS) makeSafe(node)
}

function cut(node: Node, nowMs: number, random: Random): void {
  writeBack(node, nowMs)
  node.dirtyMs = null
  if (node.kind === 'file') {
    const { data, safe } = node
    const isLonger = data.length >= safe.length && data.subarray(0, safe.length).equals(safe)
    if (isLonger) node.data = data.subarray(0, safe.length + random.int(data.length - safe.length + 1))
    else if (random.int(2) === 0) node.data = safe
    node.safe = node.data
    return
  }
  node.names = new Map(node.safe)
  for (const change of node.changes.slice(0, random.int(node.changes.length + 1))) apply(node.names, change)
  node.safe = new Map(node.names)
  node.changes = []
  for (const inner of node.names.values()) cut(inner, nowMs, random)
}
