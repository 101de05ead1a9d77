import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe } from 'vitest'
import { freePort, untilListening } from './listening.ts'

const PACKAGE = '@tursodatabase/cli-linux-x64-gnu'

/** A group of tests on a server of tursodb's; skipped loudly where it is not installed. */
export function describeTursodb(title: string, tests: () => void): void {
  if (binaryPath() !== undefined) {
    describe(title, tests)
    return
  }
  process.stderr.write(`\nSKIPPED: ${title}: the npm package ${PACKAGE} is missing\n`)
  describe.skip(`${title} (skipped: install ${PACKAGE})`, tests)
}

/** A server that speaks Hrana over HTTP, with one database in memory. It ends with this process. */
export async function startTursodb(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(binaryPath() ?? '', [':memory:', '--sync-server', address], {
    stdio: 'ignore',
  })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const url = `http://${address}`
  await untilListening(child, url)
  return {
    url,
    async stop() {
      process.off('exit', end)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
  }
}

function binaryPath(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)
    const path = join(dirname(manifest), 'tursodb')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}
