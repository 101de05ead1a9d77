import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inNamespace, labEnvironment, tryRun } from './command.ts'
import { describeLab, PREFIXES, sharedHome } from './harness.ts'
import { nodeProgram } from './programs.ts'
import { addressBelow } from './renumbering.ts'
import { usable } from './router.ts'

const { p1, p2 } = PREFIXES
const PROGRAMS = ['ip', 'nsenter', 'ip6tables', 'ip6tables-restore', 'ndppd']
/** Words by which these programs change something, on their command line or in a batch. */
const CHANGES = /\b(?:add|del|delete|replace|change|append|flush|set)\b|-restore| -[ADFINPRXZ] /

describeLab('a plan', () => {
  const home = sharedHome()

  /** Programs of the same names that write down how they are called, and with what input. */
  async function recorders(log: string): Promise<string> {
    const directory = join(home().lab.directory.path, 'recorders')
    await mkdir(directory, { recursive: true })
    const places = (labEnvironment().PATH ?? '').split(':')
    for (const program of PROGRAMS) {
      const real = places.map((place) => join(place, program)).find((path) => existsSync(path))
      const script = `#!/bin/sh
echo "${program} $*" >> ${log}
case "$*" in
*-batch*) tee -a ${log} | ${real} "$@" ;;
*) exec ${real} "$@" ;;
esac
`
      await writeFile(join(directory, program), script, { mode: 0o755 })
    }
    return `PATH=${directory}:${labEnvironment().PATH}`
  }

  async function recorded(): Promise<{ code: number; stdout: string; calls: string }> {
    const log = join(home().lab.directory.path, 'calls.log')
    await writeFile(log, '')
    const program = nodeProgram('reprefix-agent.js', ['plan', '-c', home().agent.configuration])
    const argv = ['env', await recorders(log), ...program]
    const result = await tryRun(inNamespace(home().lab.namespaces.home, argv))
    return { ...result, calls: await readFile(log, 'utf8') }
  }

  /** Every file that the agent may write, with its content and the time it was written. */
  async function files(): Promise<readonly string[]> {
    const root = home().lab.directory.path
    const state = join(root, 'agent/state')
    const below = await readdir(state, { recursive: true, withFileTypes: true })
    const paths = below.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
    return Promise.all(
      [...paths, join(root, 'ndppd.conf')].map(
        async (path) => `${path} ${(await stat(path)).mtimeMs} ${await readFile(path, 'utf8')}`,
      ),
    )
  }

  it('ends with 0 where all is as it shall be, and does nothing', async () => {
    await home().agent.stop()
    const before = await files()
    const { code, stdout, calls } = await recorded()
    expect(stdout).toMatch(/^decision {2}keep 2001:db8:1:1::\/64\n(?:.*\n)*nothing to do\n$/)
    expect(code).toBe(0)
    expect(calls).toContain('ip6tables')
    expect(calls.split('\n').filter((line) => CHANGES.test(line))).toEqual([])
    expect(await files()).toEqual(before)
  })

  it('shows a renumbering on all planes, changes nothing, and shows the same again', async () => {
    const { lab, watched } = home()
    await lab.router.announce([usable(p2)])
    const before = await files()
    const first = await recorded()
    expect(first.code).toBe(3)
    const [from, to] = [addressBelow(p1, watched), addressBelow(p2, watched)]
    expect(first.stdout).toContain(`renumber to ${p2} from ${p1} (flash)`)
    expect(first.stdout).toMatch(new RegExp(`^docker +address-add +web ${to} dev `, 'm'))
    expect(first.stdout).toMatch(/^routes +route-add /m)
    expect(first.stdout).toMatch(/^uplink +uplink-deprecate /m)
    expect(first.stdout).toMatch(
      new RegExp(`^dns +change +${watched.domain} AAAA ${from} → ${to}$`, 'm'),
    )
    expect(first.calls.split('\n').filter((line) => CHANGES.test(line))).toEqual([])
    expect(await files()).toEqual(before)
    const again = await recorded()
    expect(again).toMatchObject({ code: 3, stdout: first.stdout })
  })

  it('has come true after a pass', async () => {
    expect((await home().agent.command(['once'])).code).toBe(0)
    expect((await home().agent.command(['plan'])).code).toBe(0)
  })
})
