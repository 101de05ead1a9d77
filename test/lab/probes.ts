import { connect, type Socket } from 'node:net'

/** A request that takes longer counts as lost, unless a test says otherwise. */
export const LOST_AFTER_MS = 300

/**
 * A packet that is lost costs its connection a second (RFC 6298 §2): below that, an answer is merely
 * slow. For tests that start so much at once that a small machine answers late.
 */
export const LOST_PACKET_MS = 900

/** A connection tries again after one second, and after three: whatever takes longer was cut off. */
export const CUT_OFF_MS = 2500

/** Milliseconds since the epoch, finer than `Date.now`. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}

/**
 * Calls `late` after the limit, but only once pending input has been looked at: on a busy machine an
 * answer may be waiting in the socket although this process did not get to read it.
 */
function limit(late: () => void, ms: number): NodeJS.Timeout {
  return setTimeout(() => setImmediate(late), ms)
}

/** Fetches `/` over a new connection. Rejects after the limit, or when the page lacks `page`. */
export function fetchPage(
  host: string,
  port: number,
  page: string,
  lostAfterMs = LOST_AFTER_MS,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    let text = ''
    const timer = limit(() => fail(new Error(`no page within ${lostAfterMs} ms`)), lostAfterMs)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    socket.setEncoding('latin1')
    socket.once('connect', () => {
      socket.write(`GET / HTTP/1.0\r\nHost: ${host.includes(':') ? `[${host}]` : host}\r\n\r\n`)
    })
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.once('error', fail)
    socket.once('end', () => {
      if (!text.includes(page)) {
        fail(new Error(`not the page of this container: ${text.slice(0, 80)}`))
        return
      }
      clearTimeout(timer)
      socket.destroy()
      resolve(text.slice(text.indexOf('\r\n\r\n') + 4).trim())
    })
  })
}

/** One TCP connection to an echo service, kept as long as it holds. */
export interface EchoConnection {
  /** Sends one line; resolves when it comes back, rejects after the limit or when closed. */
  echo(): Promise<void>
}

/** Opens an echo connection and replaces it when it breaks; `onBroken` is told of each time. */
export function openEcho(
  host: string,
  port: number,
  onOpen: () => void,
  onBroken: () => void,
  lostAfterMs = LOST_AFTER_MS,
): EchoConnection {
  let socket: Socket | undefined
  let sequence = 0
  let isStalled = false
  const waiting = new Map<number, () => void>()

  const open = (): void => {
    let rest = ''
    const mine = connect({ host, port, noDelay: true })
    mine.setEncoding('latin1')
    mine.once('connect', () => {
      socket = mine
      onOpen()
    })
    mine.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) waiting.get(Number(line))?.()
    })
    mine.on('error', () => {
      // 'close' follows and tells.
    })
    mine.once('close', () => {
      // A connection never established was not an established one that broke.
      if (socket === mine) onBroken()
      socket = undefined
      setTimeout(open, 50)
    })
  }
  open()

  return {
    echo: () =>
      new Promise((resolve, reject) => {
        if (socket === undefined) {
          reject(new Error('not connected'))
          return
        }
        sequence += 1
        const mine = sequence
        const timer = limit(() => {
          waiting.delete(mine)
          if (!isStalled) onBroken()
          isStalled = true
          reject(new Error(`no echo within ${lostAfterMs} ms`))
        }, lostAfterMs)
        waiting.set(mine, () => {
          clearTimeout(timer)
          waiting.delete(mine)
          isStalled = false
          resolve()
        })
        socket.write(`${mine}\n`)
      }),
  }
}
