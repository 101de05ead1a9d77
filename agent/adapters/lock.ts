import { connect, createServer } from 'node:net'
import { ReprefixError } from '../../shared/errors.ts'

/** A lock that is held until it is released or its process ends, however it ends. */
export interface Lock {
  release(): Promise<void>
}

function nameOf(stateDirectory: string): string {
  return `\0reprefix-agent:${stateDirectory}`
}

/** Whether an agent works with a state directory now; if so, it looks for what it may be asked to do. */
export function isLocked(stateDirectory: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(nameOf(stateDirectory))
    const answer = (isTaken: boolean): void => {
      socket.destroy()
      resolve(isTaken)
    }
    socket.once('connect', () => answer(true)).once('error', () => answer(false))
  })
}

/**
 * Makes sure that one agent alone works with a state directory. The lock is a socket in Linux's
 * abstract namespace, so nothing is left behind that a crash could make stale. `onKnock` is called when
 * somebody asks whether it is held.
 * @throws ReprefixError ALREADY_RUNNING
 */
export function acquireLock(
  stateDirectory: string,
  onKnock: () => void = () => undefined,
): Promise<Lock> {
  const server = createServer((socket) => {
    socket.destroy()
    onKnock()
  })
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE'
      reject(
        isTaken
          ? new ReprefixError(
              'ALREADY_RUNNING',
              `another agent works with ${stateDirectory}; stop it first: systemctl stop reprefix-agent`,
            )
          : cause,
      )
    })
    server.listen(nameOf(stateDirectory), () => {
      server.unref()
      resolve({ release: () => new Promise((done) => server.close(() => done())) })
    })
  })
}
