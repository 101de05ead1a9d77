import type { VirtualClock } from './virtual-clock.ts'

const TRACKED = [
  'sign',
  'verify',
  'digest',
  'importKey',
  'exportKey',
  'generateKey',
  'deriveBits',
  'deriveKey',
] as const

/** Has every call of Web Crypto, which computes in other threads, count as work; the answer ends that. */
export function trackCrypto(clock: VirtualClock): () => void {
  const { subtle } = crypto
  const own = new Map<string, PropertyDescriptor | undefined>()
  for (const name of TRACKED) {
    own.set(name, Object.getOwnPropertyDescriptor(subtle, name))
    const call = (subtle[name] as (...args: unknown[]) => Promise<unknown>).bind(subtle)
    Object.defineProperty(subtle, name, {
      configurable: true,
      value: (...args: unknown[]) => clock.work(call(...args)),
    })
  }
  return () => {
    for (const [name, descriptor] of own) {
      if (descriptor === undefined) Reflect.deleteProperty(subtle, name)
      else Object.defineProperty(subtle, name, descriptor)
    }
  }
}
