/** What the operating system refused, in words for a person; the code stays beside them, for whoever looks it up. */

/** `ENOSPC` and the like; null for an error that no system call made. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** `there is no such file or folder (ENOENT)`; of an error that no system call made its own message. */
export function systemReason(error: unknown): string {
  const code = systemCode(error)
  if (code === null) return error instanceof Error ? error.message : String(error)
  const words = WORDS[code]
  return words === undefined ? `the system answered ${code}` : `${words} (${code})`
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it is there already',
  ENAMETOOLONG: 'its name is too long for the file system',
  ELOOP: 'its links lead in a circle',
  EACCES: 'this user has no permission',
  EPERM: 'this user has no permission',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space or no inodes left on its disk',
  EDQUOT: 'no space left for this user on its disk',
  EFBIG: 'it would pass the limit on the size of a file',
  EMFILE: 'too many files and sockets are open',
  ENFILE: 'too many files and sockets are open',
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no such host is known',
}
