import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { ReprefixError } from '../../shared/errors.ts'
import { labEnvironment } from './command.ts'
import packages from './packages.json' with { type: 'json' }

/** A Debian package that real parts need, known by one of its commands, or by the path of a file. */
export interface DebianPackage {
  readonly package: string
  readonly command: string
  readonly why: string
}

/** What the lab and the demo need. */
export const LAB_PACKAGES: readonly DebianPackage[] = packages.lab
/** What tests in the lab need besides. */
export const TEST_PACKAGES: readonly DebianPackage[] = packages.tests
/** What the tests on single DNS servers need. */
export const SERVER_PACKAGES: readonly DebianPackage[] = packages.servers
/** What running the agent as a service needs besides the lab. */
export const SERVICE_PACKAGES: readonly DebianPackage[] = packages.service
/** What the tests of the container images need besides the lab. */
export const IMAGE_PACKAGES: readonly DebianPackage[] = packages.infra
/** What checking the test vectors with other people's programs needs. */
export const VECTOR_PACKAGES: readonly DebianPackage[] = packages.vectors
/** What comparing with other ways needs besides the lab. */
export const BENCH_PACKAGES: readonly DebianPackage[] = packages.bench

function findProgram(command: string): string | undefined {
  if (command.startsWith('/')) return existsSync(command) ? command : undefined
  for (const directory of (labEnvironment().PATH ?? '').split(':')) {
    const path = join(directory, command)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this directory.
    }
  }
  return undefined
}

/** Where a command of the lab's packages is. Throws `LAB_FAILED` naming it when it is missing. */
export function programPath(command: string): string {
  const path = findProgram(command)
  if (path === undefined) throw new ReprefixError('LAB_FAILED', `${command} is not installed`)
  return path
}

/** Those of the packages that are not installed here. */
export function missingPackages(
  needed: readonly DebianPackage[] = LAB_PACKAGES,
): readonly DebianPackage[] {
  return needed.filter(({ command }) => findProgram(command) === undefined)
}

/**
 * Why the lab cannot run on this machine, or `undefined` when it can; `others` is what it needs besides
 * its own packages. One line, with the remedy.
 */
export function labObstacle(others: readonly DebianPackage[] = []): string | undefined {
  if (process.platform !== 'linux') return `it needs Linux, this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'it needs root, to make network namespaces: run it with sudo'
  const missing = missingPackages([...LAB_PACKAGES, ...others])
  if (missing.length === 0) return undefined
  const names = missing.map((each) => each.package).join(' ')
  return `Debian packages are missing: ${names} (apt-get install ${names})`
}
