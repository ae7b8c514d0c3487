/** The JSON Schema of a scenario file, by which an editor completes and explains every key. */
import { z } from 'zod'
import type { Probe } from '../plan/probe.js'
import { strictSettings } from './probe-use.js'
import { entryLists, probeEntry, topLevel } from './schema.js'
import { targetSchema } from './target-schema.js'
import type { KnownNames } from './target-schema.js'

type Node = z.core.JSONSchema.JSONSchema

/** What is shown of one probe's settings: every key optional, since the probe's defaults stand behind it. */
function probeNode(probe: Probe, targets: Node, precision: Node): Node {
  const settings = toNode(strictSettings(probe))
  const defaults = Object.entries(probe.defaults ?? {})
  const properties: Record<string, Node> = {
    probe: { const: probe.name, description: summary(probe) },
    targets,
    ...(probe.feeds !== null && 'plan' in probe && { precision }),
  }
  for (const [key, node] of Object.entries(settings.properties ?? {})) {
    if (typeof node !== 'object') continue
    const [, usual] = defaults.find(([name]) => name === key) ?? []
    const described = `${node.description ?? ''} Default: ${JSON.stringify(usual ?? null)}.`.trim()
    properties[key] = usual === undefined ? node : { ...node, description: described, default: usual }
  }
  return { type: 'object', title: probe.name, properties, required: ['probe'], additionalProperties: false }
}

function summary({ name, feeds }: Probe): string {
  return feeds === null ? `The probe ${name}.` : `The probe ${name}: its samples feed the ${feeds} curve.`
}

function toNode(schema: z.ZodType): Node {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      delete jsonSchema['phrase'] // ours, for messages
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    },
  })
}

/** Draft 2020-12. Probe files of the user's may hold any settings; only those of the built-in probes are known. */
export function scenarioJsonSchema(probes: Readonly<Record<string, Probe>>, known: KnownNames): Node {
  const whole = toNode(
    z.strictObject({
      ...topLevel,
      targets: z.array(targetSchema(known)).min(1).describe('What is measured: one endpoint and model each.'),
      probes: entryLists.probes
        .optional()
        .describe(
          'What is asked of the targets: one experimental design each. Needed, unless there are prompts.',
        ),
    }),
  )
  const { targets = {}, probe = {}, precision = {} } = toNode(probeEntry).properties ?? {}
  const own: Node = {
    type: 'object',
    title: 'a probe file',
    properties: {
      probe: { ...asNode(probe), pattern: '\\.m?[jt]s$' },
      targets: asNode(targets),
      precision: asNode(precision),
    },
    required: ['probe'],
  }
  const entries = Object.values(probes).map((builtIn) =>
    probeNode(builtIn, asNode(targets), asNode(precision)),
  )
  const { probes: list, ...others } = whole.properties ?? {}
  return {
    $schema: whole.$schema ?? 'https://json-schema.org/draft/2020-12/schema',
    title: 'A Plumbline scenario',
    description: 'What is measured, how, and what must hold. Checked by plumbline validate.',
    type: 'object',
    properties: { ...others, probes: { ...asNode(list), items: { anyOf: [...entries, own] } } },
    required: ['targets'],
    additionalProperties: false,
  }
}

function asNode(node: Node | boolean | undefined): Node {
  return typeof node === 'object' ? node : {}
}
