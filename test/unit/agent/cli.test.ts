import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCli } from '../../../agent/cli.ts'

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

const GOOD = 'interface: eth0\nstateDirectory: DIR\n'

describe('the command line', () => {
  it('shows the status as one JSON object', async () => {
    expect(await run(GOOD, 'status', '--json')).toBe(0)
    expect(JSON.parse(written)).toMatchObject({ kind: 'status', host: null, current: null })
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

  it('refuses a join string without showing it', async () => {
    expect(await run(GOOD, 'enroll', 'rpj1-c2VjcmV0')).toBe(2)
    expect(written).not.toContain('c2VjcmV0')
  })

  it('refuses a join string of another cloud than the settings name', async () => {
    const { renderJoin } = await import('../../../shared/join.ts')
    const { generateNoteSigner } = await import('../../../shared/checkpoint.ts')
    const { signer } = await generateNoteSigner('a.example')
    const secret = new Uint8Array(16)
    const word = renderJoin({ url: 'https://a.example', vkey: signer.vkey, token: 't', secret })
    expect(await run(`${GOOD}cloud: https://b.example\n`, 'enroll', word)).toBe(2)
    expect(written).toContain('https://b.example')
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
