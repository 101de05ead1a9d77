import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { missingPackages, VECTOR_PACKAGES } from '../lab/packages.ts'

const run = promisify(execFile)
const check = (directory: string) =>
  run('python3', ['-B', join(directory, 'check.py')], { timeout: 60_000 })

// Where python3 is missing, `npm test` names it.
describe.skipIf(missingPackages(VECTOR_PACKAGES).length > 0)('the check in Python', () => {
  it('agrees with every vector', async () => {
    const { stdout } = await check('test/vectors')
    for (const part of ['keys', 'reports', 'trees', 'tlog-proofs', 'receipts', 'logs', 'reads']) {
      expect(stdout).toMatch(new RegExp(`\\d+ ${part}\\b`))
    }
  })

  it.each([
    ['keys.json', '"kid": "k', '"kid": "j'],
    ['reports.json', '"verdict": "JWS_MALFORMED"', '"verdict": "ok"'],
    ['enrolments.json', '"verdict": "KEY_INVALID"', '"verdict": "ok"'],
    ['rotations.json', '"verdict": "KEY_INVALID"', '"verdict": "ok"'],
    ['trees.json', '"valid": false', '"valid": true'],
    ['notes.json', '"verdict": "CHECKPOINT_INVALID"', '"verdict": "ok"'],
    ['proofs.json', '"verdict": "unproven"', '"verdict": "ok"'],
    ['entries.json', '"leafHashHex": "', '"leafHashHex": "00'],
    ['receipts.json', '"verdict": "RECEIPT_INVALID"', '"verdict": "ok"'],
    ['reads.json', '"status": 404', '"status": 200'],
    ['reads.json', '"sha256Hex": "', '"sha256Hex": "0'],
    ['export.ndjson', '"index":3', '"index":4'],
  ])('finds a false word in %s', async (file, right, wrong) => {
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-vectors-'))
    try {
      await cp('test/vectors', directory, { recursive: true })
      const text = await readFile(join(directory, file), 'utf8')
      expect(text).toContain(right)
      await writeFile(join(directory, file), text.replace(right, wrong))
      await expect(check(directory)).rejects.toMatchObject({ code: 1 })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})
