import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createTcpDialer } from '../../../../cloud/dns/tcp-dialer.ts'

let server: Server | undefined
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
})

/** A loopback server that does this with every chunk it receives. */
async function serve(
  onData: (socket: Socket, chunk: Buffer) => void,
): Promise<{ host: string; port: number }> {
  const listening = createServer((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk) => onData(socket, chunk))
    socket.on('error', () => undefined)
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const address = listening.address()
  return { host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0 }
}
const message = (id: number, text: string) =>
  Uint8Array.from([id >> 8, id & 255, ...Buffer.from(text)])
const framed = (bytes: Uint8Array) => Buffer.from([bytes.length >> 8, bytes.length & 255, ...bytes])

describe('DNS over TCP', () => {
  it('matches answers by ID, in any order and any pieces', async () => {
    const place = await serve((socket) => {
      const bytes = Buffer.concat([
        framed(message(2, 'two')),
        framed(message(9, 'stray')),
        framed(message(1, 'one')),
      ])
      for (const byte of bytes) socket.write(Buffer.of(byte))
    })
    const connection = await createTcpDialer(2000)(place)
    const answers = await connection.exchange([message(1, 'a'), message(2, 'b')])
    expect(answers.map((answer) => Buffer.from(answer.slice(2)).toString())).toEqual(['one', 'two'])
    connection.close()
  })

  it('is transient when the server closes, stays silent, or is not there', async () => {
    const closing = await serve((socket) => socket.end())
    const first = await createTcpDialer(2000)(closing)
    await expect(first.exchange([message(1, 'a')])).rejects.toMatchObject({ kind: 'transient' })
    await expect(first.exchange([message(2, 'a')])).rejects.toMatchObject({ kind: 'transient' })
    await new Promise((resolve) => server?.close(resolve))
    await expect(createTcpDialer(2000)(closing)).rejects.toThrow(
      /failed to connect to the DNS server 127\.0\.0\.1 port/,
    )
    const silent = await serve(() => undefined)
    const second = await createTcpDialer(50)(silent)
    await expect(second.exchange([message(1, 'a')])).rejects.toThrow(
      /could not confirm.*within 50 ms/,
    )
  })
})
