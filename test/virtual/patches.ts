/** Puts other functions in the place of those of Node and its modules, and puts them back. */
import { syncBuiltinESMExports } from 'node:module'

export type Replace = (of: object, name: string, by: (...args: unknown[]) => unknown) => void

export function createPatches(): { replace: Replace; restore: () => void } {
  const undo: (() => void)[] = []
  return {
    replace(of, name, by) {
      const own = Object.getOwnPropertyDescriptor(of, name)
      undo.push(() => {
        if (own === undefined) Reflect.deleteProperty(of, name)
        else Object.defineProperty(of, name, own)
      })
      Reflect.set(of, name, by)
      if (Reflect.get(of, name) !== by) throw new Error(`${name} cannot be replaced`)
      // What was imported by its name follows (nodejs.org/api/module.html#modulesyncbuiltinesmexports).
      syncBuiltinESMExports()
    },
    restore() {
      for (const one of undo.splice(0).toReversed()) one()
      syncBuiltinESMExports()
    },
  }
}
