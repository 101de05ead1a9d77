import { ReprefixError } from '../../shared/errors.ts'
import type { Appended, Draft, Drafter, LogRow, Repository } from '../ports.ts'
import type { LastRowChecker } from './check-last-row.ts'
import { changedBy, watchReads } from './watch-reads.ts'

/** What appends are made with. */
export interface AppendQueueDeps {
  readonly repository: Repository
  readonly lastRow: LastRowChecker
  /** The row of an entry after this one. */
  readonly rowAfter: (last: LogRow | undefined, entry: Draft['entry']) => Promise<LogRow>
  readonly sleep: (ms: number) => Promise<void>
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** The appends of one process. */
export interface AppendQueue {
  append(draft: Drafter): Promise<Appended | null>
  /** Says that an append may follow soon; the answer says that it has come, or will not. */
  anticipate(): () => void
  /** Resolves when nothing is appended and nothing is anticipated, or after so many milliseconds. */
  quiet(longestMs: number): Promise<void>
}

interface Waiting {
  readonly draft: Drafter
  readonly resolve: (appended: Appended | null) => void
  readonly reject: (error: unknown) => void
  conflicts: number
}

/** One that is decided, with its row. */
interface Decided {
  readonly waiting: Waiting
  readonly row: LogRow
  readonly writes: Draft['writes']
}

/** Other processes may win this often before an append gives up. */
const MAX_ATTEMPTS = 40
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 1000
/** Entries of one commit: enough that its cost hardly counts, few enough that none waits long. */
const MAX_TOGETHER = 64
/** How long a commit may wait for appends that are on their way. */
const GATHER_MS = 2

/**
 * Queues the appends of one process instead of racing them for the same index, and stores those that
 * wait at the same time in one commit. What is stored together is what one after the other would have
 * been stored: a draft that has read what another of the same commit changes waits for the next
 * commit, and decides again.
 */
export function createAppendQueue(deps: AppendQueueDeps): AppendQueue {
  const { repository, lastRow } = deps
  const queue: Waiting[] = []
  let isRunning = false
  /** Another process was seen to append: what this one wrote last need not be the last row. */
  let othersAppend = false
  let anticipated = 0
  let wake = (): void => undefined
  let listeners: (() => void)[] = []

  async function run(): Promise<void> {
    while (queue.length > 0) {
      if (anticipated > 0 && queue.length < MAX_TOGETHER) await gather()
      await appendTogether()
    }
    isRunning = false
    tellIfQuiet()
  }

  function tellIfQuiet(): void {
    if (isRunning || anticipated > 0) return
    const heard = listeners
    listeners = []
    for (const tell of heard) tell()
  }

  async function gather(): Promise<void> {
    const complete = new Promise<void>((resolve) => {
      wake = resolve
    })
    await Promise.race([complete, deps.sleep(GATHER_MS)])
  }

  async function appendTogether(): Promise<void> {
    // Whether it still is the last row, and as it was written, is a condition of the commit.
    const assumed = othersAppend ? undefined : lastRow.trusted()
    let last = assumed
    try {
      last ??= await readLast()
    } catch (error) {
      queue.shift()?.reject(error)
      return
    }
    const decided = await decide(last, assumed === undefined)
    if (decided.length === 0) return
    try {
      const rows = decided.map(({ row }) => row)
      const writes = decided.flatMap((one) => one.writes)
      if ((await repository.commit(rows, writes, assumed)) === 'conflict') {
        othersAppend = true
        return await retry(decided)
      }
    } catch (error) {
      // Whether it was stored may be unknown: each asker finds out by asking again.
      for (const { waiting } of decided) waiting.reject(error)
      return
    }
    for (const { waiting, row } of decided) {
      lastRow.trust(row)
      waiting.resolve({ index: row.index, entry: row.entry })
    }
  }

  async function readLast(): Promise<LogRow | undefined> {
    const last = await repository.lastRow()
    const trusted = lastRow.trusted()
    othersAppend = trusted !== undefined && last?.index !== trusted.index
    return last
  }

  /** Lets drafts decide, first come first, up to one that must not be stored together with them. */
  async function decide(last: LogRow | undefined, isRead: boolean): Promise<readonly Decided[]> {
    const decided: Decided[] = []
    const changed = new Set<string>()
    let before = last
    for (let [next] = queue; next !== undefined && decided.length < MAX_TOGETHER; [next] = queue) {
      // After a conflict each goes alone: one that cannot be stored must not hold up the others.
      const isAlone = next.conflicts > 0 || (decided[0]?.waiting.conflicts ?? 0) > 0
      if (isAlone && decided.length > 0) break
      // The row that all of a commit build on; those after it are of this process.
      const unjudged = isRead && before === last ? { row: last } : undefined
      const one = await decideOne(next, unjudged, before, changed)
      if (one === 'later') break
      // What does not even fit alone is refused by its commit.
      if (one !== 'none' && decided.length > 0 && !fitTogether([...decided, one])) break
      queue.shift()
      if (one === 'none') continue
      for (const write of one.writes) for (const place of changedBy(write)) changed.add(place)
      before = one.row
      decided.push(one)
    }
    return decided
  }

  async function decideOne(
    waiting: Waiting,
    unjudged: { readonly row: LogRow | undefined } | undefined,
    before: LogRow | undefined,
    changed: ReadonlySet<string>,
  ): Promise<Decided | 'later' | 'none'> {
    const { state, hasRead } = watchReads(repository)
    try {
      const drafted = await waiting.draft(before === undefined ? 0 : before.index + 1, state)
      if (hasRead(changed)) return 'later'
      if (drafted !== null) {
        if (unjudged) await lastRow.check(unjudged.row)
        const row = await deps.rowAfter(before, drafted.entry)
        return { waiting, row, writes: drafted.writes }
      }
      waiting.resolve(null)
    } catch (error) {
      if (hasRead(changed)) return 'later'
      waiting.reject(error)
    }
    return 'none'
  }

  function fitTogether(decided: readonly Decided[]): boolean {
    const rows = decided.map(({ row }) => row)
    const writes = decided.flatMap((one) => one.writes)
    return repository.fits(rows, writes)
  }

  async function retry(decided: readonly Decided[]): Promise<void> {
    for (const { waiting } of decided.toReversed()) {
      waiting.conflicts++
      if (waiting.conflicts < MAX_ATTEMPTS) queue.unshift(waiting)
      else waiting.reject(contended())
    }
    // Full jitter: writers that met once must not meet again.
    const conflicts = decided[0]?.waiting.conflicts ?? 1
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (conflicts - 1))
    await deps.sleep(deps.random() * longest)
  }

  return {
    append(draft) {
      return new Promise((resolve, reject) => {
        queue.push({ draft, resolve, reject, conflicts: 0 })
        if (queue.length >= MAX_TOGETHER) wake()
        if (isRunning) return
        isRunning = true
        void run()
      })
    },

    anticipate() {
      anticipated++
      let isOpen = true
      return () => {
        if (!isOpen) return
        isOpen = false
        anticipated--
        if (anticipated === 0) wake()
        tellIfQuiet()
      }
    },

    async quiet(longestMs) {
      if (!isRunning && anticipated === 0) return
      const heard = new Promise<void>((resolve) => {
        listeners.push(resolve)
      })
      await Promise.race([heard, deps.sleep(longestMs)])
    },
  }
}

function contended(): ReprefixError {
  return new ReprefixError(
    'LOG_CONTENDED',
    `could not append to the log in ${MAX_ATTEMPTS} attempts, others were always first; ` +
      'nothing was changed, try again',
  )
}
