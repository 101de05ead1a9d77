import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectFrom, type Route } from '../../../../agent/adapters/cloud-connection.ts'
import { parseAddress } from '../../../../shared/ipv6.ts'

const V6 = { address: '2001:db8:ff::1', family: 6 }
const V4 = { address: '192.0.2.1', family: 4 }
const OWN = parseAddress('2001:db8:1:1::5')

type Fate = 'answers' | 'silent' | 'refused' | 'unbindable'

const faultOf = (code: string) => Object.assign(new Error(code), { code })

/** Connects in a world where each way in (`6 own`, `6`, `4`) has its fate; tells what was tried when. */
function connecting(fates: Record<string, Fate>, routes: readonly Route[], sources = [OWN]) {
  const startedAt = Date.now()
  const tried: string[] = []
  const sockets: Socket[] = []
  const abort = new AbortController()
  const done = connectFrom({
    host: 'cloud.example',
    port: 443,
    sources: () => sources,
    signal: abort.signal,
    resolve: async () => routes,
    dial: ({ family, source }, _port, signal) =>
      new Promise((resolve, reject) => {
        const way = `${family}${source === undefined ? '' : ' own'}`
        tried.push(`${way} @${Date.now() - startedAt}`)
        const fate = fates[way]
        if (fate === 'silent') signal.addEventListener('abort', () => reject(signal.reason))
        if (fate === 'refused') reject(faultOf('ECONNREFUSED'))
        if (fate === 'unbindable') reject(faultOf('EADDRNOTAVAIL'))
        if (fate !== 'answers') return
        const socket = new Socket()
        sockets.push(socket)
        resolve(socket)
      }),
  })
  done.catch(() => undefined)
  return { done, tried, sockets, abort, fates }
}

describe('connecting to the cloud', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('comes from an own address of the new prefix over IPv6', async () => {
    const { done, tried, sockets } = connecting({ '6 own': 'answers' }, [V4, V6])
    expect(await done).toBe(sockets[0])
    await vi.advanceTimersByTimeAsync(5000)
    expect(tried).toEqual(['6 own @0'])
  })

  it('leaves the choice to the system where there is no such address', async () => {
    const { done, tried } = connecting({ 4: 'answers' }, [V4, V6], [])
    await done
    expect(tried).toEqual(['4 @0'])
  })

  it('takes IPv4 at once while its own address is tentative', async () => {
    const { done, tried } = connecting({ '6 own': 'unbindable', 4: 'answers' }, [V6, V4])
    await vi.advanceTimersByTimeAsync(1)
    await done
    expect(tried).toEqual(['6 own @0', '4 @0'])
  })

  it('waits for its address to become usable where the cloud has IPv6 only', async () => {
    const world = connecting({ '6 own': 'unbindable', 6: 'silent' }, [V6])
    await vi.advanceTimersByTimeAsync(1200)
    world.fates['6 own'] = 'answers'
    await vi.advanceTimersByTimeAsync(50)
    expect(await world.done).toBe(world.sockets[0])
    expect(world.tried).toContain('6 @250')
    expect(world.tried.at(-1)).toBe('6 own @1250')
  })

  it('tries IPv4 beside IPv6 that does not answer', async () => {
    const { done, tried } = connecting({ '6 own': 'silent', 4: 'answers' }, [V6, V4])
    await vi.advanceTimersByTimeAsync(250)
    await done
    expect(tried).toEqual(['6 own @0', '4 @250'])
  })

  it('closes a connection that comes too late', async () => {
    const late = new Socket()
    const abort = new AbortController()
    const done = connectFrom({
      host: 'cloud.example',
      port: 443,
      sources: () => [],
      signal: abort.signal,
      resolve: async () => [V6, V4],
      dial: ({ family }) =>
        new Promise((resolve) => {
          setTimeout(() => resolve(family === 6 ? late : new Socket()), family === 6 ? 400 : 50)
        }),
    })
    await vi.advanceTimersByTimeAsync(300)
    expect(await done).not.toBe(late)
    await vi.advanceTimersByTimeAsync(200)
    expect(late.destroyed).toBe(true)
  })

  it('says what went wrong last when nothing answers', async () => {
    const { done } = connecting({ 6: 'refused', 4: 'refused' }, [V6, V4], [])
    await expect(done).rejects.toThrow('ECONNREFUSED')
    await expect(connecting({}, [], []).done).rejects.toThrow('no address')
  })

  it('gives up when it is told to', async () => {
    const { done, abort } = connecting({ '6 own': 'unbindable', 6: 'silent' }, [V6])
    await vi.advanceTimersByTimeAsync(300)
    abort.abort(new Error('time is up'))
    await expect(done).rejects.toThrow('time is up')
    await vi.advanceTimersByTimeAsync(100)
    expect(vi.getTimerCount()).toBe(0)
  })
})
