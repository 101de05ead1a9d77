import type { DecodedPacket } from 'dns-packet'
import { ProviderError } from '../domain/dns-provider.ts'
import { decodeMessage, rcodeOf } from './dns-message.ts'
import type { DnsConnection, DnsDialer } from './dns-transport.ts'
import type { Rfc2136Settings } from './rfc2136-settings.ts'
import { type SignedMessage, signMessage, TSIG_ERROR, verifyMessage } from './tsig.ts'
import { createStreamVerifier } from './tsig-stream.ts'

/** An answer whose signature was checked. */
export interface SignedAnswer {
  readonly rcode: number
  readonly packet: DecodedPacket
}

/** One message of a transfer. Only what a signed one ends may be believed. */
export interface TransferredAnswer extends SignedAnswer {
  readonly size: number
  readonly isSigned: boolean
}

/** Response codes that matter here (RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8945 §3). */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
} as const

/** Most messages in flight on one connection; servers answer a few dozen side by side. */
const IN_FLIGHT = 32

/** One conversation with a server: signs, sends, checks; dials anew after a fault. */
export class Rfc2136Session {
  readonly #settings: Rfc2136Settings
  readonly #dial: DnsDialer
  readonly #now: () => Date
  #connection: DnsConnection | undefined
  #nextId = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0

  constructor(settings: Rfc2136Settings, dial: DnsDialer, now: () => Date) {
    this.#settings = settings
    this.#dial = dial
    this.#now = now
  }

  /**
   * Sends messages made for the IDs given to them; answers come in the same order.
   * @throws ProviderError when one answer is missing, unsigned or a complaint about the signature
   */
  async exchange(
    encoders: readonly ((id: number) => Uint8Array)[],
  ): Promise<readonly SignedAnswer[]> {
    if (encoders.length === 0) return []
    const answers: SignedAnswer[] = []
    const queue = encoders.entries()
    let hasFailed = false
    // Each answer makes room for the next message. To wait for all of a batch would cost 40 ms each time:
    // servers hold back small answers until earlier ones are acknowledged (RFC 896), and our kernel
    // holds back the acknowledgement until there is something to send (RFC 1122 §4.2.3.2).
    const work = async (connection: DnsConnection) => {
      for (const [index, encode] of queue) {
        const { bytes, mac } = await this.#sign(encode)
        if (hasFailed) return
        const [answer = new Uint8Array()] = await connection.exchange([bytes])
        answers[index] = await this.#check(answer, mac)
      }
    }
    try {
      this.#connection ??= await this.#dial(this.#settings.server)
      const connection = this.#connection
      await Promise.all(
        Array.from({ length: Math.min(IN_FLIGHT, encoders.length) }, () => work(connection)),
      )
      return answers
    } catch (error) {
      hasFailed = true
      this.close()
      throw error
    }
  }

  /**
   * Sends one message and gives every answer, each checked with those before it, and none where the
   * runtime cannot. Nothing may be used before a signed one has followed. Who does not read to the end
   * of what the server sends must close the session.
   * @throws ProviderError transient, auth or protocol
   */
  async *transfer(encode: (id: number) => Uint8Array): AsyncGenerator<TransferredAnswer> {
    try {
      this.#connection ??= await this.#dial(this.#settings.server)
      if (this.#connection.stream === undefined) return
      const { bytes, mac } = await this.#sign(encode)
      const verifier = createStreamVerifier(mac, this.#settings.tsig, this.#now)
      for await (const message of this.#connection.stream(bytes)) {
        const isSigned = await verifier.verify(message)
        const [rcode, size] = [rcodeOf(message), message.length]
        yield { rcode, packet: decodeMessage(message), size, isSigned }
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }

  #sign(encode: (id: number) => Uint8Array): Promise<SignedMessage> {
    return signMessage(encode(this.#takeId()), this.#settings.tsig, this.#now())
  }

  async #check(answer: Uint8Array, mac: Uint8Array): Promise<SignedAnswer> {
    const { tsig } = this.#settings
    const verdict = await verifyMessage(answer, mac, tsig, this.#now())
    const rcode = rcodeOf(answer)
    if (rcode === RCODE.NOTAUTH && verdict.error !== 0) {
      throw signatureFault(verdict.error, tsig.name, verdict.serverTime, this.#now())
    }
    if (verdict.isSigned) return { rcode, packet: decodeMessage(answer) }
    if (rcode === RCODE.REFUSED || rcode === RCODE.NOTAUTH) {
      throw new ProviderError(
        'auth',
        `the DNS server refuses without signing its answer: either it does not accept the key ${tsig.name} (check name, algorithm and secret on both sides), or it does not hold the zone`,
      )
    }
    if (rcode === RCODE.SERVFAIL) {
      throw new ProviderError('transient', 'the DNS server failed before it checked the signature')
    }
    throw new ProviderError(
      'protocol',
      `the DNS server did not sign its answer (response code ${rcode})`,
    )
  }

  #takeId(): number {
    this.#nextId = (this.#nextId + 1) % 65_536
    return this.#nextId
  }
}

function signatureFault(
  code: number,
  keyName: string,
  serverTime: Date | undefined,
  now: Date,
): ProviderError {
  if (code === TSIG_ERROR.BADTIME) {
    const theirs = serverTime === undefined ? '' : `: there it is ${serverTime.toISOString()}`
    return new ProviderError(
      'auth',
      `the clocks of this machine (${now.toISOString()}) and the DNS server differ too much${theirs}; set them right, the key ${keyName} is not at fault`,
    )
  }
  const reason =
    code === TSIG_ERROR.BADKEY
      ? `does not know the key ${keyName} with this algorithm, or does not grant it this`
      : `finds the signature of the key ${keyName} wrong: check its secret`
  return new ProviderError(
    code === TSIG_ERROR.BADKEY ? 'forbidden' : 'auth',
    `the DNS server ${reason}`,
  )
}
