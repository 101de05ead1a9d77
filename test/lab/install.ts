import { spawn } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { ReprefixError } from '../../shared/errors.ts'
import { labEnvironment } from './command.ts'
import { type DebianPackage, missingPackages } from './packages.ts'

/** Debian asks this script whether an installed service may be started; 101 says no. */
const POLICY = '/usr/sbin/policy-rc.d'

function aptGet(args: readonly string[], onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('apt-get', ['-q', ...args], {
      env: { ...labEnvironment(), DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line)
        onLine(line)
      })
    }
    child.on('error', (cause) => {
      reject(new ReprefixError('LAB_FAILED', 'apt-get cannot be run: is this Debian?', { cause }))
    })
    child.on('close', (code) => {
      if (code === 0) resolve()
      else {
        const last = said.slice(-5).join('\n')
        reject(new ReprefixError('LAB_FAILED', `apt-get ${args[0]} ended with ${code}:\n${last}`))
      }
    })
  })
}

/**
 * Installs Debian packages with apt-get, asking nothing and starting none of their services: the lab
 * starts its own, in its own namespaces. Throws `LAB_FAILED` when one is still missing afterwards.
 */
export async function installPackages(
  packages: readonly DebianPackage[],
  onLine: (line: string) => void,
): Promise<void> {
  const isOurs = !existsSync(POLICY)
  const forbid = (): void => {
    if (isOurs) rmSync(POLICY, { force: true })
  }
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  process.once('exit', forbid)
  try {
    await aptGet(['update'], onLine)
    const names = packages.map((each) => each.package)
    await aptGet(['install', '--yes', '--no-install-recommends', ...names], onLine)
  } finally {
    forbid()
    process.removeListener('exit', forbid)
  }
  const missing = missingPackages(packages).map(({ command }) => command)
  if (missing.length > 0) {
    throw new ReprefixError('LAB_FAILED', `still missing after apt-get: ${missing.join(', ')}`)
  }
}
