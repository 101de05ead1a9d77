import type { Prefix } from '../../shared/ipv6.ts'
import type { HomeStage } from './home.ts'
import type { Counters } from './probe-protocol.ts'
import type { ProgramEvent } from './program-events.ts'
import type { Renumbering, RenumberingCause } from './renumbering.ts'

/** One stage of setting up, in the order of the demo. */
export type Stage = 'network' | HomeStage

/** A statement of the demo and whether it held, found from outside. */
export interface Proof {
  readonly name: string
  readonly ok: boolean
  /** What was seen. */
  readonly seen: string
}

/** The last line of `reprefix demo --json`. */
export interface DemoSummary {
  readonly kind: 'summary'
  readonly ok: boolean
  readonly renumberings: readonly {
    readonly cause: RenumberingCause
    readonly toReachableMs: number
    readonly lostIpv4: number
    readonly lostOldIpv6: number
    readonly brokenTcp: number
    readonly restarts: number
  }[]
  readonly audit: { readonly ok: boolean; readonly entries: number }
}

/** Everything the demo tells; one JSON line each with `--json`. Times are ms since the epoch. */
export type DemoEvent =
  | { readonly kind: 'stage'; readonly stage: Stage; readonly at: number }
  | {
      readonly kind: 'stage-done'
      readonly stage: Stage
      readonly at: number
      readonly seen: string
    }
  | {
      readonly kind: 'change'
      readonly cause: RenumberingCause
      readonly from: Prefix
      readonly to: Prefix
    }
  | { readonly kind: 'announced'; readonly at: number; readonly prefix: Prefix }
  | { readonly kind: 'program'; readonly program: 'agent' | 'cloud'; readonly event: ProgramEvent }
  | { readonly kind: 'probes'; readonly counters: Counters }
  | { readonly kind: 'lost'; readonly probe: string; readonly at: number; readonly reason: string }
  | { readonly kind: 'reached'; readonly at: number; readonly address: string }
  | { readonly kind: 'renumbered'; readonly renumbering: Renumbering }
  | { readonly kind: 'proof'; readonly proof: Proof }
  | {
      readonly kind: 'log'
      readonly program: 'agent' | 'cloud'
      readonly lines: readonly string[]
    }
  | { readonly kind: 'failed'; readonly message: string }
  | DemoSummary
