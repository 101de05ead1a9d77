import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { type Answered, expectAnswered, makeScene } from './attacks/attack.ts'
import { BODY_ATTACKS } from './attacks/body-attacks.ts'
import { KEY_ATTACKS } from './attacks/key-attacks.ts'
import { TRIALS } from './attacks/log-attacks.ts'
import { POLICY_ATTACKS } from './attacks/policy-attacks.ts'
import { REPLAY_ATTACKS } from './attacks/replay-attacks.ts'
import { ROTATION_ATTACKS } from './attacks/rotation-attacks.ts'
import { SIGNATURE_ATTACKS } from './attacks/signature-attacks.ts'

/** Every attack of the table in SECURITY.md, each against the whole cloud over HTTP. */
const ANSWERED: readonly Answered[] = [
  ...SIGNATURE_ATTACKS,
  ...KEY_ATTACKS,
  ...ROTATION_ATTACKS,
  ...REPLAY_ATTACKS,
  ...POLICY_ATTACKS,
  ...BODY_ATTACKS,
]
const ATTACKS = ANSWERED.flatMap(({ attacks }) => attacks)

describe('an attack changes nothing and is answered:', () => {
  it.each(ATTACKS)('$name: $code', async (attack) => {
    await expectAnswered(attack)
  })
})

describe('an attack from behind the cloud is noticed:', () => {
  it.each(TRIALS)('$name', async ({ run }) => {
    await run(await makeScene())
  })
})

describe('the table of attacks in SECURITY.md', () => {
  it('has a row for each of these, and each of its rows has some of these', async () => {
    const text = await readFile('SECURITY.md', 'utf8')
    const [, section = ''] = text.split(/^## Attacks and answers$/m)
    const cells = [...section.matchAll(/^\| (.+?) \| .+ \|$/gm)].map(([, cell]) => cell)
    const rows = [...ANSWERED, ...TRIALS].map(({ row }) => row)
    expect(new Set(rows)).toEqual(new Set(cells.filter((cell) => cell !== 'attack')))
  })

  it('names no attack twice', () => {
    const names = [...ATTACKS, ...TRIALS].map(({ name }) => name)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })
})
