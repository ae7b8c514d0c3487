import { Client as whole } from 'undici'
import { expect, it } from 'vitest'
import { Client } from '../../src/wire/undici-client.js'

it('the client that is loaded alone is the one that the package exports', () => {
  expect(Client).toBe(whole)
})
