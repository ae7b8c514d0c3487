import { defineConfig } from 'vitest/config'

/** Where `.ci/run` wants the results as JSON, beside what the terminal shows. */
const report = process.env['PLUMBLINE_TEST_REPORT']

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    benchmark: { include: ['test/bench/**/*.bench.ts'] },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
