/** Kinds of values that several keys of a scenario share. */
import { z } from 'zod'
import { ENV_NAME } from './substitute.js'

/** A schema with its meaning and default in words; the default is also filled in. */
export function orElse<S extends z.ZodType>(
  schema: S,
  value: z.core.util.NoUndefined<z.output<S>>,
  meaning: string,
): z.ZodDefault<S> {
  return schema
    .default(value)
    .describe(`${meaning} Default: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}.`)
}

const PERCENT = /^\d+(?:\.\d+)?\s*%$/

/** 0.05 or 5%. */
export const share = z
  .union([z.number().min(0).max(1), z.string().regex(PERCENT)])
  .transform((value) => (typeof value === 'number' ? value : Number.parseFloat(value) / 100))
  .pipe(z.number().min(0).max(1))
  .meta({ phrase: 'a share from 0 to 1, or a percentage such as 5%' })

export const words = z.string().min(1)
export const positive = z.int().min(1)
const seconds = z.number().gt(0).max(86_400)
export const envName = z
  .string()
  .regex(ENV_NAME)
  .meta({ phrase: 'the name of an environment variable, such as OPENAI_API_KEY' })
export const fileName = words.max(4096)
export const targetNames = z.array(words).min(1)

export const deadlines = z.strictObject({
  connectS: seconds.optional().describe('Longest time for DNS, TCP and TLS together, seconds. Default: 10.'),
  firstByteS: seconds
    .optional()
    .describe('Longest time from request start to response headers, seconds. Default: 120.'),
  gapS: seconds
    .optional()
    .describe('Longest silence between two chunks of the answer, seconds. Default: 60.'),
  totalS: seconds
    .optional()
    .describe('Longest time for the whole request, connection set-up included, seconds. Default: 600.'),
})

/** What is wrong with an address, or null; the address itself is not repeated. */
export function urlFault(text: string): string | null {
  if (!URL.canParse(text))
    return 'must be a whole address, such as https://api.example.com/v1 or http://localhost:8000/v1'
  const { protocol, username, password } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:')
    return 'must be an address that starts with http:// or https://'
  if (username !== '' || password !== '' || /^[a-z]+:\/\/[^/]*@/i.test(text)) {
    return 'must not hold a user name or password: no secret stands in a scenario'
  }
  if (/[?#]/.test(text))
    return 'must not hold a query or a fragment (? or #): use headers or body for what the server needs'
  return /[\s\p{C}\\]/u.test(text) ? 'must not hold spaces, backslashes or control characters' : null
}

/** An http or https address; one of `instead` may stand in its place. */
export const address = (...instead: string[]): z.ZodString =>
  z.string().superRefine((value, { addIssue }) => {
    const fault = instead.includes(value) ? null : urlFault(value)
    if (fault !== null) addIssue({ code: 'custom', message: fault })
  })

export type DeadlineEntry = z.output<typeof deadlines>
