import type { BenchCloud, BenchHost } from './bench-cloud.ts'

/** Reports a second of each turn. */
export interface LoadRates {
  readonly hosts: number
  readonly oneAtATime: readonly number[]
  readonly atOnce: readonly number[]
  /** Log entries that one transaction of the store held at the most. */
  readonly largestCommit: number
}

/**
 * Posts `each` reports of every host, one after the other and then all hosts at once, in turns. A
 * host waits for its receipt before it posts again, as an agent does. Each turn one receipt is
 * verified. The first turn is not counted.
 */
export async function measureLoad(
  cloud: BenchCloud,
  turns: number,
  each: number,
): Promise<LoadRates> {
  const oneAtATime: number[] = []
  const atOnce: number[] = []
  for (let turn = 0; turn <= turns; turn++) {
    const alone = await rateOf(cloud, each, async (lists) => {
      for (const { texts } of lists) for (const text of texts) await cloud.post(text)
    })
    const together = await rateOf(cloud, each, async (lists) => {
      await Promise.all(
        lists.map(async ({ texts }) => {
          for (const text of texts) await cloud.post(text)
        }),
      )
    })
    if (turn === 0) continue
    oneAtATime.push(alone)
    atOnce.push(together)
  }
  const [hosts, largestCommit] = [cloud.hosts.length, cloud.largestCommit()]
  return { hosts, oneAtATime, atOnce, largestCommit }
}

interface Reports {
  readonly host: BenchHost
  readonly texts: readonly string[]
}

async function rateOf(
  cloud: BenchCloud,
  each: number,
  postAll: (lists: readonly Reports[]) => Promise<void>,
): Promise<number> {
  const witness = await cloud.witness()
  const lists: Reports[] = []
  for (const host of cloud.hosts) {
    const texts: string[] = []
    for (let i = 0; i < each; i++) texts.push(await host.sign(witness))
    lists.push({ host, texts })
  }
  const startedAt = performance.now()
  await postAll(lists)
  const seconds = (performance.now() - startedAt) / 1000
  // The same bytes again get the same receipt.
  const last = lists.at(-1)?.texts.at(-1)
  if (last !== undefined) await cloud.verify(await cloud.post(last), last, witness)
  return (cloud.hosts.length * each) / seconds
}
