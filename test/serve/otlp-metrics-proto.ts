/** opentelemetry-proto 1.x, collector/metrics/v1 and metrics/v1, in its JSON encoding; strict, histograms only. */
import { z } from 'zod'

/** 64-bit integers are strings in proto3's JSON. */
const uint64 = z.string().regex(/^\d+$/)
const KeyValue = z.strictObject({
  key: z.string().min(1),
  value: z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  ]),
})
const Point = z.strictObject({
  attributes: z.array(KeyValue),
  startTimeUnixNano: uint64,
  timeUnixNano: uint64,
  count: uint64,
  sum: z.number(),
  bucketCounts: z.array(uint64),
  explicitBounds: z.array(z.number()),
})

export const ExportMetrics = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: z.array(KeyValue) }),
      scopeMetrics: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          metrics: z.array(
            z.strictObject({
              name: z.string().min(1),
              unit: z.string(),
              description: z.string(),
              histogram: z.strictObject({ aggregationTemporality: z.literal(2), dataPoints: z.array(Point) }),
            }),
          ),
        }),
      ),
    }),
  ),
})
