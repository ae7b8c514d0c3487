import { defineConfig } from 'vitest/config'

/** Where `.ci/run` wants the results as JSON, beside what the terminal shows. */
const report = process.env['PLUMBLINE_TEST_REPORT']

/** Tests that hold a measured time against a known one: alone on the machine, one file after another. */
const timing = 'test/**/*.timing.test.ts'
/** Tests that mostly wait for the processes that they start. */
const e2e = ['test/e2e/**/*.test.ts', 'test/faults/**/*.test.ts']

/** Tests that wait for a clock or handle gigabytes: `npm run check:long`, which `.ci/run` runs, and `npm test` does not. */
const long = 'test/**/*.long.test.ts'

const limits = {
  // With the processes of twenty others on each processor slow is no finding; what hangs hangs for longer.
  testTimeout: 240_000,
  hookTimeout: 240_000,
  setupFiles: ['test/support/fixed-seed.ts', 'test/support/canary.ts'],
  // A borrowed machine stands still now and then: there a test may try twice, and the closing line names it.
  retry: process.env['CI'] === undefined ? 0 : 1,
}

export default defineConfig({
  test: {
    benchmark: { include: ['test/bench/**/*.bench.ts'] },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        test: {
          name: 'rules',
          include: ['test/**/*.test.ts'],
          exclude: [timing, ...e2e, long],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...limits,
        },
      },
      {
        test: {
          name: 'e2e',
          include: e2e,
          exclude: [timing, long],
          maxWorkers: 6,
          sequence: { groupOrder: 2 },
          ...limits,
        },
      },
      {
        test: {
          name: 'timing',
          include: [timing],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          ...limits,
        },
      },
      {
        test: {
          name: 'long',
          include: [long],
          fileParallelism: false,
          sequence: { groupOrder: 4 },
          ...limits,
        },
      },
    ],
  },
})
