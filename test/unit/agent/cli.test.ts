import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCli } from '../../../agent/cli.ts'
import { generateNoteSigner } from '../../../shared/checkpoint.ts'
import { renderJoin } from '../../../shared/join.ts'
import { generateSigningKey } from '../../../shared/jws.ts'

let directory = ''
let written = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cli-'))
  written = ''
  const keep = (text: unknown): boolean => {
    written += String(text)
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(keep)
  vi.spyOn(process.stderr, 'write').mockImplementation(keep)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(directory, { recursive: true, force: true })
})

async function run(yaml: string, ...args: string[]): Promise<number> {
  const config = join(directory, 'agent.yaml')
  await writeFile(config, yaml.replace('DIR', directory))
  return runCli(['node', 'reprefix-agent', ...args, '--config', config])
}

async function joinString(): Promise<string> {
  const { signer } = await generateNoteSigner('a.example')
  const secret = new Uint8Array(16)
  return renderJoin({ url: 'https://a.example', vkey: signer.vkey, token: 't', secret })
}

const GOOD = 'interface: eth0\nstateDirectory: DIR\n'

describe('the command line', () => {
  it('shows the status as one JSON object', async () => {
    expect(await run(GOOD, 'status', '--json')).toBe(0)
    expect(JSON.parse(written)).toMatchObject({ kind: 'status', host: null, current: null })
  })

  it('checks a host whatever is wrong with it, and changes nothing there', async () => {
    const yaml = `${GOOD.replace('eth0', 'none0')}docker: { socket: /nonexistent }\n`
    expect(await run(yaml, 'doctor', '--json')).toBe(1)
    const { kind, ok, findings } = JSON.parse(written)
    expect({ kind, ok }).toEqual({ kind: 'doctor', ok: false })
    expect(findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          id: 'uplink',
          level: 'fail',
          what: expect.stringMatching(/none0/),
        }),
        expect.objectContaining({ id: 'docker', level: 'fail' }),
        expect.objectContaining({ id: 'enrolment', level: 'warn' }),
      ]),
    )
    expect(await readdir(directory)).toEqual(['agent.yaml'])
  })

  it('ends with 2 and one line for a wrong setting', async () => {
    expect(await run('interface: eth0\nfoo: 1\n', 'status')).toBe(2)
    expect(written).toMatch(/^reprefix-agent: .*agent\.yaml: foo: .*\(line 2\)\n$/)
  })

  it('tells programs the code of a fault', async () => {
    expect(await run('interface: [\n', 'status', '--json')).toBe(2)
    expect(JSON.parse(written.split('\n')[0] ?? '')).toMatchObject({
      kind: 'error',
      code: 'CONFIG_INVALID',
    })
  })

  it('ends with 1 for a fault of the host', async () => {
    await writeFile(join(directory, 'state.json'), '{')
    expect(await run(GOOD, 'status')).toBe(1)
    expect(written).toContain('state.json is damaged')
  })

  it.each([
    ['state.json', '{"v":1}'],
    ['enrolment.json', '{"url":"https://a.example"}'],
    ['reporting.json', '[]'],
    ['receipts/0001700000000000.json', ''],
  ])('names a damaged %s and what helps, in one line', async (name, text) => {
    await mkdir(join(directory, name, '..'), { recursive: true })
    await writeFile(join(directory, name), text)
    expect(await run(GOOD, 'status')).toBe(1)
    expect(written).toMatch(
      new RegExp(
        `^reprefix-agent: ${directory}/${name} is damaged.*(?:remove it|enrol again).*\n$`,
      ),
    )
  })

  it('shows the rest when a waiting report is damaged, and names it', async () => {
    await mkdir(join(directory, 'outbox'))
    await writeFile(join(directory, 'outbox', '000001700000000.json'), '{"body":{},"signed":null}')
    expect(await run(GOOD, 'status')).toBe(0)
    expect(written).toMatch(/damaged {4}.*outbox\/000001700000000\.json/)
  })

  it('verifies receipts, and ends with 1 when one is not what it says, with 2 without a key', async () => {
    expect(await run(GOOD, 'verify', '--json')).toBe(2)
    expect(written).toMatch(/"code":"USAGE".*not enrolled/)
    const { signer } = await generateNoteSigner('a.example')
    const { jwk } = await generateSigningKey()
    const { vkey } = signer
    const enrolment = { url: 'https://a.example', vkey, host: 'home', key: jwk }
    await writeFile(join(directory, 'enrolment.json'), JSON.stringify(enrolment))
    const reporting = { sequence: 0, witness: { size: 0, root: '' }, claim: null, refused: null }
    await writeFile(join(directory, 'reporting.json'), JSON.stringify(reporting))
    expect(await run(GOOD, 'verify')).toBe(0)
    await mkdir(join(directory, 'receipts'))
    const file = join(directory, 'receipts', '0001700000000000.json')
    await writeFile(file, '{}')
    written = ''
    expect(await run(GOOD, 'verify', '--json')).toBe(1)
    expect(JSON.parse(written)).toMatchObject({ kind: 'verify', ok: false, receipts: [{ file }] })
    written = ''
    const args = ['verify', file, '--key', vkey, '--config', '/nonexistent']
    expect(await runCli(['node', 'reprefix-agent', ...args])).toBe(1)
    expect(written).toContain(`${file}: ${file} is damaged`)
  })

  it('refuses a join string without showing it', async () => {
    expect(await run(GOOD, 'enroll', 'rpj1-c2VjcmV0')).toBe(2)
    expect(written).not.toContain('c2VjcmV0')
  })

  it('names a damaged key of an enrolment that was begun, instead of spending the token on another', async () => {
    await writeFile(join(directory, 'enrolment-pending.json'), '{"kty":')
    expect(await run(GOOD, 'enroll', await joinString(), '--json')).toBe(1)
    const { code, message } = JSON.parse(written.split('\n')[0] ?? '')
    expect(code).toBe('STATE_CORRUPT')
    expect(message).toMatch(/enrolment-pending\.json is damaged; remove it, or enrol with --force/)
  })

  it('says which state directory cannot be made', async () => {
    await writeFile(join(directory, 'file'), '')
    expect(await run(GOOD.replace('DIR', 'DIR/file'), 'enroll', await joinString())).toBe(1)
    expect(written).toMatch(/state directory .*\/file: .*stateDirectory in the settings\n$/)
  })

  it('refuses a join string of another cloud than the settings name', async () => {
    expect(await run(`${GOOD}cloud: https://b.example\n`, 'enroll', await joinString())).toBe(2)
    expect(written).toContain('https://b.example')
  })

  const COMMANDS = ['enroll', 'run', 'once', 'plan', 'status', 'verify', 'doctor']

  it('explains itself, with examples and exit codes', async () => {
    expect(await runCli(['node', 'reprefix-agent', '--help'])).toBe(0)
    for (const name of COMMANDS) expect(written).toMatch(new RegExp(`^ {2}${name} `, 'm'))
    expect(written).toMatch(/reprefix-agent enroll rpj1-…/)
    expect(written).toMatch(/Exit codes: 0 converged, 1 fault, 2 usage/)
  })

  it.each(COMMANDS)('explains %s with an example, and knows no other option', async (name) => {
    expect(await runCli(['node', 'reprefix-agent', name, '--help'])).toBe(0)
    expect(written).toMatch(new RegExp(`Example:\\n {2}reprefix-agent ${name}`))
    expect(written).toMatch(/--config <file>/)
    const hasJson = name === 'run' ? '--json-log' : '--json '
    expect(written).toContain(hasJson)
    expect(await runCli(['node', 'reprefix-agent', name, '--colour'])).toBe(2)
    expect(written).toMatch(/unknown option '--colour'/)
  })

  it('shows its help, and ends with 2, when called without a command', async () => {
    expect(await runCli(['node', 'reprefix-agent'])).toBe(2)
    expect(written).toContain('Usage: reprefix-agent')
  })

  it.each([
    ['unknown-command', ['frobnicate']],
    ['unknown-option', ['status', '--colour']],
    ['missing-argument', ['enroll']],
  ])('ends with 2 for %s', async (_, args) => {
    expect(await runCli(['node', 'reprefix-agent', ...args])).toBe(2)
  })

  it('says its version', async () => {
    expect(await runCli(['node', 'reprefix-agent', '--version'])).toBe(0)
    expect(written).toMatch(/^\d+\.\d+\.\d+/)
  })

  it.each(['run', 'once', 'plan'])('wants root for %s', async (name) => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000)
    expect(await run(GOOD, name)).toBe(2)
    expect(written).toContain('as root')
  })
})
