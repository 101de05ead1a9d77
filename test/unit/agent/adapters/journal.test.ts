import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJournal } from '../../../../agent/adapters/journal.ts'
import { acquireLock } from '../../../../agent/adapters/lock.ts'
import { createReceipts, setReceiptsAside } from '../../../../agent/adapters/receipts.ts'
import { createStateFile } from '../../../../agent/adapters/state-file.ts'
import { INITIAL_STATE } from '../../../../agent/domain/agent-state.ts'
import { UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import type { Step } from '../../../../agent/domain/step.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'state-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const STEP: Step = {
  kind: 'route-add',
  subnet: parsePrefix('2001:db8:1:1:1::/80'),
  bridge: 'br-web',
}
const NAMED = { step: 'route-add', target: '2001:db8:1:1:1::/80 dev br-web' }
const { log, lines } = recordedLog()
const now = () => new Date('2026-01-31T12:00:00Z')

describe('the journal', () => {
  it('has what was begun before it is done, and what became of it', async () => {
    const path = join(directory, 'sub', 'journal.ndjson')
    const journal = createJournal({ path, now, log })
    await journal.begin([STEP])
    const begun = await readFile(path, 'utf8')
    expect(JSON.parse(begun)).toEqual({
      at: '2026-01-31T12:00:00.000Z',
      stage: 'begin',
      steps: [NAMED],
    })
    await journal.end([{ step: STEP, outcome: 'failed', ms: 3, error: 'no such device' }])
    const [, ended] = (await readFile(path, 'utf8')).trim().split('\n')
    expect(JSON.parse(ended ?? '')).toMatchObject({
      stage: 'end',
      results: [{ ...NAMED, outcome: 'failed', ms: 3, error: 'no such device' }],
    })
    await journal.close()
  })

  it('goes on where an earlier run ended, and stays within its size', async () => {
    const path = join(directory, 'journal.ndjson')
    const first = createJournal({ path, now, log, maxBytes: 300 })
    await first.begin([STEP])
    await first.close()
    const second = createJournal({ path, now, log, maxBytes: 300 })
    for (let count = 0; count < 20; count++) await second.begin([STEP])
    await second.close()
    expect(await readdir(directory)).toEqual(['journal.ndjson', 'journal.ndjson.1'])
    expect((await readFile(path)).length).toBeLessThan(600)
  })

  it('says where it cannot write', async () => {
    await writeFile(join(directory, 'file'), '')
    const journal = createJournal({ path: join(directory, 'file', 'journal.ndjson'), now, log })
    await expect(journal.begin([STEP])).rejects.toMatchObject({
      code: 'FILE_WRITE_FAILED',
      message: expect.stringContaining('journal.ndjson'),
    })
  })

  it('names a full disk as such, before anything is changed', async () => {
    // Every write to this device fails with ENOSPC.
    const journal = createJournal({ path: '/dev/full', now, log })
    await expect(journal.begin([STEP])).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('/dev/full'),
    })
    await journal.close()
  })

  it('does not stop a pass between two stages for what has become of the first', async () => {
    const journal = createJournal({ path: '/dev/full', now, log })
    await journal.end([{ step: STEP, outcome: 'done', ms: 1 }])
    expect(lines.at(-1)).toMatchObject({ level: 'warn', message: expect.stringMatching(/no room/) })
    await journal.close()
  })

  it('ends a line that was cut short before the next one', async () => {
    const path = join(directory, 'journal.ndjson')
    await writeFile(path, '{"stage":"begin","steps":[{"st')
    const journal = createJournal({ path, now, log })
    await journal.begin([STEP])
    await journal.begin([STEP])
    await journal.close()
    const [cut, ...whole] = (await readFile(path, 'utf8')).trim().split('\n')
    expect(cut).toBe('{"stage":"begin","steps":[{"st')
    expect(whole.map((line) => JSON.parse(line).stage)).toEqual(['begin', 'begin'])
  })
})

describe('the state file', () => {
  it('is the initial state where the agent never ran, and what was written afterwards', async () => {
    const path = join(directory, 'state.json')
    expect(await createStateFile(path, 'eth0').read()).toEqual(INITIAL_STATE)
    const state = {
      ...INITIAL_STATE,
      uplinks: {
        eth0: {
          ...UNNUMBERED,
          current: {
            prefix: parsePrefix('2001:db8:1:1::/64'),
            cause: 'initial' as const,
            since: 1,
          },
        },
      },
    }
    await createStateFile(path, 'eth0').write(state)
    expect(await createStateFile(path, 'eth0').read()).toEqual(state)
  })

  it.each([
    ['truncated', '{"v":1,'],
    ['other-version', '{"v":3}'],
    ['empty', ''],
  ])('stops at a %s file and says what to do', async (_, text) => {
    const path = join(directory, 'state.json')
    await writeFile(path, text)
    await expect(createStateFile(path, 'eth0').read()).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
      message: expect.stringMatching(/state\.json is damaged.*remove it/s),
    })
  })
})

describe('the receipts', () => {
  it('keeps the newest twenty', async () => {
    const receipts = createReceipts(join(directory, 'receipts'))
    expect(await receipts.latest()).toBeNull()
    for (let seq = 1; seq <= 25; seq++) {
      await receipts.save({ seq, verifiedAt: 'now', entry: null, jws: null, receipt: { seq } })
    }
    expect(await receipts.latest()).toEqual({
      seq: 25,
      verifiedAt: 'now',
      entry: null,
      jws: null,
      receipt: { seq: 25 },
    })
    expect(await readdir(join(directory, 'receipts'))).toHaveLength(20)
    expect((await receipts.files())[0]).toBe(join(directory, 'receipts', '0000000000000006.json'))
  })

  it('stay beside the directory when another key takes over, and never in the way of it', async () => {
    const path = join(directory, 'receipts')
    await setReceiptsAside(path, new Date('2026-01-31T12:00:00Z'))
    expect(await readdir(directory)).toEqual([])
    await createReceipts(path).save({ seq: 1, verifiedAt: 'now', entry: 2, jws: 'j', receipt: {} })
    await setReceiptsAside(path, new Date('2026-01-31T12:00:01Z'))
    expect(await readdir(directory)).toEqual(['receipts-until-2026-01-31T12-00-01.000Z'])
    expect(await createReceipts(path).latest()).toBeNull()
  })
})

describe('the lock', () => {
  it('admits one agent to a state directory, and the next after it', async () => {
    const first = await acquireLock(directory)
    await expect(acquireLock(directory)).rejects.toMatchObject({ code: 'ALREADY_RUNNING' })
    const elsewhere = await acquireLock(`${directory}-other`)
    await elsewhere.release()
    await first.release()
    await (await acquireLock(directory)).release()
  })
})
