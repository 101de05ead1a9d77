import type { Prefix } from '../../shared/ipv6.ts'
import type { DemoEvent, Proof, Stage } from './demo-events.ts'
import { addLine, describeProgramEvent, type TimelineLine } from './demo-timeline.ts'
import type { Counters } from './probe-protocol.ts'
import type { Renumbering, RenumberingCause } from './renumbering.ts'

/** A change of the prefix as far as it has been told. */
export interface ChangeState {
  readonly cause: RenumberingCause
  readonly from: Prefix
  readonly to: Prefix
  readonly announcedAt?: number
  readonly lines: readonly TimelineLine[]
  readonly counters?: Counters
  readonly reachedAt?: number
  readonly result?: Renumbering
}

/** Everything a view of the demo shows. */
export interface DemoState {
  readonly startedAt: number
  readonly stage?: { readonly stage: Stage; readonly startedAt: number }
  readonly prefix?: Prefix
  readonly changes: readonly ChangeState[]
  readonly proofs: readonly Proof[]
}

/** The demo before its first event. */
export function initialState(startedAt: number): DemoState {
  return { startedAt, changes: [], proofs: [] }
}

/** The change that is being made, or was made last. */
export function currentChange(state: DemoState): ChangeState | undefined {
  return state.changes.at(-1)
}

function withChange(state: DemoState, edit: (change: ChangeState) => ChangeState): DemoState {
  const change = currentChange(state)
  if (change === undefined || change.result !== undefined) return state
  return { ...state, changes: [...state.changes.slice(0, -1), edit(change)] }
}

/** Folds one event into what is shown. Pure: the same events give the same picture. */
export function foldDemo(state: DemoState, event: DemoEvent): DemoState {
  switch (event.kind) {
    case 'stage':
      return { ...state, stage: { stage: event.stage, startedAt: event.at } }
    case 'stage-done': {
      const { stage: _done, ...rest } = state
      return rest
    }
    case 'change': {
      const { cause, from, to } = event
      return { ...state, changes: [...state.changes, { cause, from, to, lines: [] }] }
    }
    case 'announced':
      return withChange({ ...state, prefix: event.prefix }, (change) => ({
        ...change,
        announcedAt: event.at,
        lines: addLine(change.lines, {
          actor: 'router',
          at: event.at,
          what: `advertises ${event.prefix}`,
          targets: [],
          isFault: false,
        }),
      }))
    case 'program': {
      const line = describeProgramEvent(event.program, event.event)
      if (line === undefined) return state
      return withChange(state, (change) => ({ ...change, lines: addLine(change.lines, line) }))
    }
    case 'probes':
      return withChange(state, (change) => ({ ...change, counters: event.counters }))
    case 'reached':
      return withChange(state, (change) => ({
        ...change,
        reachedAt: event.at,
        lines: addLine(change.lines, {
          actor: 'client',
          at: event.at,
          what: `has the page by name at ${event.address}`,
          targets: [],
          isFault: false,
        }),
      }))
    case 'renumbered':
      return withChange(state, (change) => ({ ...change, result: event.renumbering }))
    case 'proof':
      return { ...state, proofs: [...state.proofs, event.proof] }
    default:
      return state
  }
}
