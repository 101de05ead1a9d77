import { messageOf } from '../../shared/errors.ts'
import { aged, parseDelegations } from '../domain/delegation.ts'
import type { Delegation } from '../domain/model.ts'
import type { Admitted } from '../domain/problem.ts'
import { type Argv, lastWords, type RunCommand } from './command.ts'
import type { DelegationSource } from './delegation-source.ts'

const TIMEOUT_MS = 5000
/** However often something else wakes the loop, the command is not run more often than this. */
const LEAST_INTERVAL_MS = 5000

interface Answer {
  readonly list: Admitted<readonly Delegation[]>
  readonly at: number
}

/**
 * Reads delegations from what a command prints, in the form of {@link parseDelegations}; lifetimes count
 * from when it ran. One that fails, hangs or prints nothing says nothing, never "none".
 *
 * Only the first answer is waited for. Later passes get the last one while the command runs again, and
 * a hint when it said something else: a slow command must not hold up the other uplinks.
 */
export function createDelegationCommand(
  argv: Argv,
  parts: { readonly run: RunCommand; readonly now: () => number },
): DelegationSource {
  const name = argv.join(' ')
  let last: Answer | undefined
  let inFlight: Promise<Answer> | undefined
  let onHint = (): void => undefined

  async function ask(): Promise<Admitted<readonly Delegation[]>> {
    try {
      const result = await parts.run(argv, { timeoutMs: TIMEOUT_MS })
      if (result.exitCode !== 0) {
        return { fault: `${name} ended with ${result.exitCode} (${lastWords(result)})` }
      }
      const list = parseDelegations(result.stdout)
      return 'fault' in list ? { fault: `what ${name} printed, ${list.fault}` } : list
    } catch (cause) {
      return { fault: messageOf(cause) }
    }
  }

  async function runAnew(): Promise<Answer> {
    const before = last
    const at = parts.now()
    last = { list: await ask(), at }
    inFlight = undefined
    if (before && JSON.stringify(before.list) !== JSON.stringify(last.list)) onHint()
    return last
  }

  return {
    read: async () => {
      const now = parts.now()
      const isDue = last === undefined || Math.abs(now - last.at) >= LEAST_INTERVAL_MS
      if (isDue) inFlight ??= runAnew()
      const { list, at } = last ?? (await (inFlight ?? runAnew()))
      return 'fault' in list ? list : { value: aged(list.value, parts.now() - at) }
    },
    watch: (hint) => {
      onHint = hint
      return {
        stop: () => {
          onHint = () => undefined
        },
      }
    },
  }
}
