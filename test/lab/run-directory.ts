import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'reprefix-lab-'

/** A lab's own directory. Its existence says that the lab may have left things on the machine. */
export interface RunDirectory {
  /** Five characters, unique on this machine; part of every name that the lab makes. */
  readonly id: string
  readonly path: string
}

/** The owner's start time in clock ticks since boot, which tells a reused process id apart. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command name may hold spaces and parentheses: fields are counted after the last ')'.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Where the run directory of a lab is. */
export function runDirectoryOf(id: string): string {
  return join(tmpdir(), `${PREFIX}${id}`)
}

/** Makes a run directory that names this process as its owner. */
export function createRunDirectory(): RunDirectory {
  for (;;) {
    const id = randomBytes(4).readUInt32BE().toString(36).padStart(5, '0').slice(-5)
    const path = runDirectoryOf(id)
    // Born with its owner in it, under another name first, so that no one ever sees it ownerless.
    const unborn = join(tmpdir(), `.${PREFIX}${id}`)
    mkdirSync(unborn, { mode: 0o755 })
    writeFileSync(join(unborn, 'owner'), `${process.pid} ${startTimeOf(process.pid)}\n`)
    try {
      renameSync(unborn, path)
      return { id, path }
    } catch {
      rmSync(unborn, { recursive: true, force: true })
    }
  }
}

function ownerIsAlive(id: string): boolean {
  try {
    const [pid, started] = readFileSync(join(runDirectoryOf(id), 'owner'), 'utf8')
      .trim()
      .split(' ')
    return startTimeOf(Number(pid)) === started
  } catch {
    return false
  }
}

/** Ids of labs whose owner has died without removing them. */
export function abandonedLabs(): readonly string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length))
    .filter((id) => /^[0-9a-z]{5}$/.test(id) && !ownerIsAlive(id))
}
