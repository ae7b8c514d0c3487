/** The constants of what stands around an engine or a law: replicas, router, regions, gateway, cache rules, tenants. */
import { z } from 'zod'

const amount = z.number().min(0)
const share = z.number().min(0).max(1)
const count = z.int().min(1)

/** Round trips are those of a new connection with TLS; one that was kept alive takes a third (one trip of three). */
const RegionSchema = z.strictObject({
  name: z.string().min(1),
  /** Median and 95th percentile of a lognormal. */
  rttMs: amount,
  rttP95Ms: amount,
  /** Constants of the model that stands there, where they differ: another version, another machine. */
  set: z.record(z.string(), z.union([z.number(), z.boolean()])).optional(),
})

/** Other customers of the same machines. Arrivals are a renewal process. */
const TenantSchema = z.strictObject({
  name: z.string().min(1),
  /** At each replica of the home region. */
  ratePerS: amount,
  /** Coefficient of variation of the gaps: 1 is Poisson, more is bursty. */
  cv: z.number().positive(),
  family: z.enum(['gamma', 'weibull']),
  /** Medians of lognormals with σ 1. */
  promptTokens: count,
  outputTokens: count,
})

export const FLEET_FIELDS = {
  replicas: count.describe('in each region'),
  affinityTokens: count.describe('tokens at the start of a prompt that, with the key, choose the replica'),
  overflowPerMinute: amount.describe('requests on one prefix before others get some; 0: no limit'),
  slowReplicas: z.int().min(0).describe('how many of each region, the last ones, are slow'),
  slowFactor: z.number().positive().describe('by which they are'),
  levelSigma: amount.describe('σ of the logarithm of the level by day and region'),
  gatewayMs: amount,
  gatewayCv: share,
  queueMedianMs: amount,
  queueSigma: amount,
  hitUs: amount,
  cacheMinTokens: z.int().min(0),
  cacheStepTokens: count,
  cacheIdleMs: amount,
  cacheMaxMs: amount,
  cacheMissShare: share,
  stallShare: share,
  stallMinMs: amount,
  stallMaxMs: amount,
  keyRequestsPerMinute: amount.describe('token bucket of each key; 0: none'),
  keyTokensPerMinute: amount.describe('token bucket of each key; 0: none'),
  regions: z.array(RegionSchema).min(1).describe('the first is home'),
  tenants: z.array(TenantSchema),
}

const FleetSchema = z.strictObject(FLEET_FIELDS)

export type FleetConstants = z.infer<typeof FleetSchema>
export type Region = z.infer<typeof RegionSchema>
export type Tenant = z.infer<typeof TenantSchema>

/** One machine next door, and nothing around it. */
export const BARE_FLEET: FleetConstants = {
  replicas: 1,
  affinityTokens: 256,
  overflowPerMinute: 0,
  slowReplicas: 0,
  slowFactor: 1.4,
  levelSigma: 0,
  gatewayMs: 0,
  gatewayCv: 0,
  queueMedianMs: 0,
  queueSigma: 0,
  hitUs: 0,
  cacheMinTokens: 0,
  cacheStepTokens: 16,
  cacheIdleMs: 0,
  cacheMaxMs: 0,
  cacheMissShare: 0,
  stallShare: 0,
  stallMinMs: 0,
  stallMaxMs: 0,
  keyRequestsPerMinute: 0,
  keyTokensPerMinute: 0,
  regions: [
    { name: 'here', rttMs: 0, rttP95Ms: 0 },
    { name: 'cross', rttMs: 200, rttP95Ms: 300 },
    { name: 'far', rttMs: 290, rttP95Ms: 400 },
  ],
  tenants: [],
}

/** What a hosted service puts around its model. Sources stand in docs/simulator.md. */
export const HOSTED_FLEET: FleetConstants = {
  ...BARE_FLEET,
  replicas: 4,
  overflowPerMinute: 15,
  gatewayMs: 40,
  gatewayCv: 0.3,
  queueMedianMs: 80,
  queueSigma: 1.1,
  cacheMinTokens: 1024,
  cacheStepTokens: 128,
  cacheIdleMs: 450_000,
  cacheMaxMs: 3_600_000,
  cacheMissShare: 0.17,
  stallShare: 0.005,
  stallMinMs: 5_000,
  stallMaxMs: 60_000,
  levelSigma: 0.25,
  regions: [
    { name: 'near', rttMs: 60, rttP95Ms: 100 },
    { name: 'cross', rttMs: 200, rttP95Ms: 300 },
    { name: 'far', rttMs: 290, rttP95Ms: 400 },
  ],
}
