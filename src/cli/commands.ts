/** The commands by name: what each is for, and where it is loaded from once it is asked for. */
import type { Register } from './command.js'

export interface Entry {
  /** One line for the list of commands, and the head of its own help. */
  about: string
  load(): Promise<Register>
}

/** In the order in which the help lists them. */
export const commands: Readonly<Record<string, Entry>> = {
  run: {
    about: 'run the probes of scenario files and write a snapshot each',
    load: async () => (await import('./run.js')).runCommand,
  },
  probe: {
    about: 'measure one endpoint without a scenario file',
    load: async () => (await import('./probe.js')).probeCommand,
  },
  compare: {
    about: 'hold a snapshot against another: verdict per curve and metric, and the exit code',
    load: async () => (await import('./compare.js')).compareCommand,
  },
  accept: {
    about: 'make a snapshot the baseline of its scenario',
    load: async () => (await import('./accept.js')).acceptCommand,
  },
  attribute: {
    about: 'say why production spans were slow: each against the curves of a baseline',
    load: async () => (await import('./attribute.js')).attributeCommand,
  },
  fit: {
    about: 'the curves of times measured elsewhere: a sweep of prompt lengths as CSV or JSON lines',
    load: async () => (await import('./fit.js')).fitCommand,
  },
  trend: {
    about: 'change points, drift and spikes over a history of snapshots',
    load: async () => (await import('./trend.js')).trendCommand,
  },
  report: {
    about: 'a result as one HTML file: curves, distributions, proof; two snapshots or a history as well',
    load: async () => (await import('./report.js')).reportCommand,
  },
  replay: {
    about: 'measure a recording again (run --record DIR made it); its snapshot is written beside it',
    load: async () => (await import('./replay.js')).replayCommand,
  },
  schedule: {
    about: 'stay up and run each scenario on its cron expression',
    load: async () => (await import('./schedule.js')).scheduleCommand,
  },
  simulate: {
    about: 'serve the simulated provider until it is stopped, or write labelled spans (--spans)',
    load: async () => (await import('./simulate.js')).simulateCommand,
  },
  providers: {
    about: 'list the providers that a scenario can name, and what each preset assumes',
    load: async () => (await import('./providers.js')).providersCommand,
  },
  validate: {
    about: 'check scenario files; nothing is sent',
    load: async () => (await import('./validate.js')).validateCommand,
  },
  schema: {
    about: 'print the JSON Schema of scenario files, for completion in an editor',
    load: async () => (await import('./schema.js')).schemaCommand,
  },
  init: {
    about: 'write a scenario, a pipeline and a .gitignore; asks three things on a terminal',
    load: async () => (await import('./init.js')).initCommand,
  },
  doctor: {
    about: 'measure the timing error of this machine, or say what span files tell and lack',
    load: async () => (await import('./doctor.js')).doctorCommand,
  },
}
