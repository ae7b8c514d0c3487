/** The package edge: what `import … from 'llm-plumbline'` offers, and all that the command line is built on. */

// Scenarios
export { loadScenario, scenarioContext } from './run/load-scenario.js'
export type { LoadOptions, Loaded } from './run/load-scenario.js'
export { parseExpectation } from './scenario/expectation.js'
export type { Expectation } from './scenario/expectation.js'
export { scenarioFromFlags } from './scenario/flags.js'
export { scenarioSchema } from './run/schema.js'
export type { Budget, Scenario, Target } from './scenario/scenario.js'
export { providers } from './run/tables.js'

// Runs
export { run } from './run/run.js'
export type { Refused, RunOptions, RunResult } from './run/contract.js'
export { RECORDING_WARNING } from './run/recorder.js'
export type { RecordOption } from './run/recorder.js'
export { replay } from './run/replay.js'
export type { Replayed, ReplayedRecording } from './run/replay.js'
export type { Progress, RunEvent, Stop, StopControl, StopReason } from './run/events.js'
export { dryRun } from './run/dry-run.js'
export type { DryRun, PlannedCell } from './run/dry-run.js'
export { traceOnce } from './run/trace-once.js'
export type { Trace } from './run/trace-once.js'
export { systemClock } from './units/time.js'
export type { Clock } from './units/time.js'

// Results
export { acceptBaseline } from './snapshot/baseline.js'
export { readSnapshot } from './snapshot/format.js'
export { loadSnapshot } from './snapshot/locate.js'
export { baselinePath, listSnapshots, resultsDir } from './snapshot/store.js'
export { harnessVersion } from './snapshot/provenance.js'
export type { Snapshot, SummaryRow } from './snapshot/snapshot.js'
export type { Curve, Parameter } from './curve/curve.js'
export type { Sample } from './sample/sample.js'

// Comparisons
export { compareSnapshots } from './compare/compare-snapshots.js'
export { conclude } from './compare/conclude.js'
export type { Conclusion } from './compare/conclude.js'
export type { Comparison, CompareOptions, Shift, TargetPair, Verdict } from './compare/comparison.js'
export { evaluateExpectations } from './compare/expectations.js'
export type { ExpectationResult } from './compare/expectations.js'

// Histories
export { dayEffect, dayEffects } from './compare/day-effect.js'
export type { DayEffect } from './compare/day-effect.js'
export { toHistory } from './compare/history.js'
export type { HistoryPoint } from './compare/history.js'
export { historyTrend, trendVerdict } from './compare/history-trend.js'
export type { HistoryEvent, HistoryTrend, TrendVerdict } from './compare/history-trend.js'
export { parseSeries } from './compare/series-csv.js'
export type { ParsedSeries } from './compare/series-csv.js'
export { trendOf, LEAST_DAYS as TREND_LEAST_DAYS } from './compare/trend.js'
export type { Trend, TrendOptions, TrendStep } from './compare/trend.js'

// The contract of a probe
export type { AdaptiveProbe, Block, CellAsk, Next, PlannedProbe, Probe, Seen } from './plan/probe.js'

// The simulated provider
export { parseSimulateOptions } from './simulate/options.js'
export { parseSetting } from './simulate/profiles.js'
export { startSimulator } from './simulate/server.js'

// Production spans
export { parseDialect, shippedDialects } from './span/dialect-file.js'
export type { DialectFile } from './span/dialect-file.js'
export { examineSpans } from './span/examine-spans.js'
export type { SpanExamination } from './span/examine-spans.js'
export { createIntake } from './span/intake.js'
export type { Intake, IntakeCounts, IntakeOptions } from './span/intake.js'
export { listSpanFiles, readSpans } from './span/read-spans.js'
export type { Span } from './span/span.js'
export { startReceiver } from './serve/receiver.js'
export type { Receiver, ReceiverOptions } from './serve/receiver.js'

// Attribution
export { createAttributor } from './attribute/attribute.js'
export type { Attributor } from './attribute/attribute.js'
export type { Attribution } from './attribute/attribution.js'
export { dimensions } from './attribute/dimensions.js'
export type { Dimension } from './attribute/dimensions.js'
export { knownTargets } from './attribute/known.js'
export type { Known } from './attribute/known.js'
export { pairUp } from './attribute/paired.js'
export type { Attributed, PairedAttributor } from './attribute/paired.js'
export { createPopulation } from './attribute/population.js'
export { suggestScenario } from './attribute/suggest.js'
export { createSummary } from './attribute/summary.js'
export type { AttributionSummary, Summariser } from './attribute/summary.js'
export { toOtlp } from './attribute/to-otlp.js'
export { createAttributionSender } from './serve/attribution-sender.js'
export { otlpLine } from './span/otlp-envelope.js'

// The instrument
export { examine } from './instrument/examine.js'
export type { Examination } from './instrument/examine.js'
