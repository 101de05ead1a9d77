import { expect, it } from 'vitest'
import { type D1Binding, openD1 } from '../../../../cloud/store/d1.ts'

/** A binding whose calls end with this error. */
function failing(message: string): D1Binding {
  const statement = { bind: () => statement }
  return {
    prepare: () => statement,
    batch: async () => {
      throw new Error(message)
    },
  }
}

// Messages as Cloudflare documents them, and as workerd 1.20260426 gives them.
it.each([
  ['D1_ERROR: UNIQUE constraint failed: log.i: SQLITE_CONSTRAINT', 'STORE_CONFLICT', /was first/],
  [
    'D1_ERROR: CHECK constraint failed: holds = 1: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_CHECK)',
    'STORE_CONFLICT',
    /was first/,
  ],
  [
    'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
    'STORE_BUSY',
    /could not confirm/,
  ],
  ['D1_ERROR: Network connection lost.', 'STORE_BUSY', /could not confirm/],
  ['D1_ERROR: D1 DB reset because its code was updated.', 'STORE_BUSY', /could not confirm/],
  [
    'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
    'STORE_BUSY',
    /could not confirm/,
  ],
  ['D1_ERROR: Exceeded maximum DB size.', 'STORE_FULL', /raise the plan/],
  ['D1_ERROR: no such table: log: SQLITE_ERROR', 'STORE_FAILED', /wrangler d1 migrations apply/],
  ['D1_ERROR: near "X": syntax error at offset 0: SQLITE_ERROR', 'STORE_FAILED', /syntax error/],
])('D1 failing with %j is %s', async (message, code, said) => {
  const port = openD1(failing(message))
  await expect(port.batch([{ sql: 'SELECT 1', args: [] }])).rejects.toMatchObject({
    code,
    message: expect.stringMatching(said),
    cause: expect.objectContaining({ message }),
  })
})
