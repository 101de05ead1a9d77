import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const START_DEADLINE_MS = 20_000

/** Waits until a server that has just been started answers at all; ends it when it never does. */
export async function untilListening(child: ChildProcess, url: string): Promise<void> {
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
  })
  const deadline = Date.now() + START_DEADLINE_MS
  while (Date.now() < deadline && child.exitCode === null) {
    try {
      await fetch(url)
      return
    } catch {
      await sleep(20)
    }
  }
  child.kill('SIGKILL')
  throw new Error(`${child.spawnfile} does not listen at ${url}: ${said}`)
}

/** A port of loopback that nothing listens at. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
