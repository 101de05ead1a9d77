import type { KnownProblems } from '../adapters/problems-file.ts'
import type { PassPlan } from '../domain/pass-plan.ts'
import type { Problem } from '../domain/problem.ts'

/**
 * What an operator should know after a pass, for `status`: uplinks that hold, what the pass left out, and
 * what keeps Docker's own state from being settled.
 */
export function knownProblems(
  { decision, others, problems }: Pick<PassPlan, 'decision' | 'others' | 'problems'>,
  mainUplink: string,
  settling: readonly Problem[],
): KnownProblems {
  const decisions = [{ uplink: mainUplink, decision }, ...others]
  const held = decisions.flatMap(({ uplink, decision: one }) =>
    one.kind === 'hold'
      ? [
          {
            code: 'HOLD',
            where: `uplink ${uplink}`,
            what: one.reason,
            remedy:
              'everything stays as it is until a usable prefix is there: reprefix-agent doctor',
          },
        ]
      : [],
  )
  return [...held, ...problems, ...settling]
}
