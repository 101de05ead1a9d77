import { ProviderError } from '../domain/dns-provider.ts'
import { concat, uint16 } from './dns-message.ts'
import type { TsigKey } from './rfc2136-settings.ts'
import { importKey, splitTsig, uint48, verifyMessage } from './tsig.ts'

/** Checks the messages of one transfer, in their order. */
export interface StreamVerifier {
  /**
   * Takes the next message. True when it is signed, and all before it are right then.
   * @throws ProviderError auth for a wrong signature, protocol for a malformed message
   */
  verify(message: Uint8Array): Promise<boolean>
}

/** How many messages may follow a signed one unsigned (RFC 8945 §5.3.1). */
const MAX_UNSIGNED = 99

/**
 * Verifies an answer of several messages (RFC 8945 §5.3.1): the first is signed like any answer, each
 * signature after it covers the one before, every message in between, and the time. Whoever reads must
 * not use a message before a signed one has followed, nor end with one that is not. A first message that
 * is not signed can only be a refusal: nothing may follow it.
 */
export function createStreamVerifier(
  requestMac: Uint8Array,
  key: TsigKey,
  now: () => Date,
): StreamVerifier {
  let previous: Uint8Array | undefined
  let unsigned: Uint8Array[] = []
  let isRefused = false

  async function verifyNext(message: Uint8Array, before: Uint8Array): Promise<boolean> {
    const split = splitTsig(message)
    const { record } = split
    if (record === undefined) {
      unsigned.push(message)
      if (unsigned.length <= MAX_UNSIGNED) return false
      throw new ProviderError('auth', 'the DNS server signed too little of a zone transfer')
    }
    const input = concat([
      ...[uint16(before.length), before, ...unsigned, split.message],
      ...[uint48(record.time), uint16(record.fudge)],
    ])
    const isOurs = record.keyName === key.name && record.algorithm === key.algorithm
    const hmac = await importKey(key)
    if (!isOurs || !(await crypto.subtle.verify('HMAC', hmac, record.mac, input))) {
      throw new ProviderError('auth', 'a message of a zone transfer has a wrong signature')
    }
    unsigned = []
    previous = record.mac
    return true
  }

  return {
    async verify(message) {
      if (previous !== undefined) return verifyNext(message, previous)
      if (isRefused)
        throw new ProviderError('auth', 'a zone transfer did not begin with a signature')
      const { isSigned } = await verifyMessage(message, requestMac, key, now())
      if (isSigned) previous = splitTsig(message).record?.mac
      else isRefused = true
      return isSigned
    },
  }
}
