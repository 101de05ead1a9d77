import { createRfc2136Provider } from '../../../cloud/dns/rfc2136.ts'
import { createTcpDialer } from '../../../cloud/dns/tcp-dialer.ts'
import type { DnsProvider } from '../../../cloud/domain/dns-provider.ts'
import { ReprefixError } from '../../../shared/errors.ts'
import { type Fqdn, parseName } from '../../../shared/rrset.ts'
import { nsupdate, settingsFor } from '../../servers/update-rig.ts'
import { startBind } from '../../servers/update-server.ts'

/** Every move of so many RRsets. */
export interface Moves {
  readonly rrsets: number
  readonly reprefixMs: readonly number[]
  readonly nsupdateMs: readonly number[]
  /** Messages of one move, of which so many change something. */
  readonly reprefix: { readonly messages: number; readonly updates: number }
  readonly nsupdate: { readonly messages: number }
}

/** As many as fit into a message of 64 KiB with room to spare. */
const A_SEND = 400
const TTL = 60
const OPCODE_UPDATE = 5

/**
 * Moves RRsets of one zone of a BIND on loopback to and fro, by reprefix and by nsupdate in turns. Both
 * speak TCP and sign with the same key. nsupdate is told what to delete and add, and starts as a process
 * each time; reprefix reads first, and writes on the condition that nobody has changed anything since.
 */
export async function measureMoves(
  sizes: readonly number[],
  runs: number,
  onProgress: (line: string) => void,
): Promise<readonly Moves[]> {
  const server = await startBind('addresses')
  try {
    const counted = countMessages()
    const { provider } = createProvider()
    const moves: Moves[] = []
    for (const rrsets of sizes) {
      onProgress(`${rrsets} RRsets`)
      const names = Array.from({ length: rrsets }, (_, i) =>
        parseName(`h${i}.n${rrsets}.example.test`),
      )
      let generation = 0
      const next = () => `2001:db8:${(++generation).toString(16)}::1`
      await moveByNsupdate(names, next())
      const [reprefixMs, nsupdateMs]: [number[], number[]] = [[], []]
      let reprefix = { messages: 0, updates: 0 }
      for (let run = -1; run < runs; run++) {
        counted.reset()
        const own = await timed(() => moveByReprefix(provider, names, next()))
        reprefix = counted.read()
        const other = await timed(() => moveByNsupdate(names, next()))
        // The first of each is not counted: code and caches are cold.
        if (run < 0) continue
        reprefixMs.push(own)
        nsupdateMs.push(other)
      }
      const messages = Math.ceil(rrsets / A_SEND)
      moves.push({ rrsets, reprefixMs, nsupdateMs, reprefix, nsupdate: { messages } })
    }
    return moves

    function createProvider() {
      const { dial } = counted
      const settings = settingsFor(server, server.addresses)
      return { provider: createRfc2136Provider('bind', settings, { now: () => new Date(), dial }) }
    }

    async function moveByNsupdate(names: readonly Fqdn[], address: string): Promise<void> {
      const lines = names.flatMap((name, i) => [
        ...(i > 0 && i % A_SEND === 0 ? ['send'] : []),
        `update delete ${name} AAAA`,
        `update add ${name} ${TTL} AAAA ${address}`,
      ])
      await nsupdate(server, lines)
    }
  } finally {
    await server.stop()
  }
}

async function moveByReprefix(
  provider: DnsProvider,
  names: readonly Fqdn[],
  address: string,
): Promise<void> {
  const zone = { name: parseName('example.test'), id: 'example.test' }
  const changes = names.map((name) => {
    const key = { name, type: 'AAAA' as const }
    return { ...key, set: { ...key, ttl: TTL, values: [address] } }
  })
  const { outcomes } = await provider.apply(zone, changes)
  const wrong = outcomes.find(({ kind }) => kind !== 'updated')
  if (wrong !== undefined) {
    throw new ReprefixError('LAB_FAILED', `a record was not moved: ${JSON.stringify(wrong)}`)
  }
}

async function timed(act: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}

function countMessages() {
  const dialTcp = createTcpDialer()
  let messages = 0
  let updates = 0
  return {
    reset(): void {
      messages = 0
      updates = 0
    },
    read: () => ({ messages, updates }),
    dial: async (address: Parameters<typeof dialTcp>[0]) => {
      const connection = await dialTcp(address)
      return {
        ...connection,
        close: () => connection.close(),
        exchange: (sent: readonly Uint8Array[]) => {
          messages += sent.length
          updates += sent.filter(([, , flags = 0]) => ((flags >> 3) & 0xf) === OPCODE_UPDATE).length
          return connection.exchange(sent)
        },
        async *stream(sent: Uint8Array) {
          messages += 1
          if (connection.stream !== undefined) yield* connection.stream(sent)
        },
      }
    },
  }
}
