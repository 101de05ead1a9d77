const BITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** How long one password is good for (RFC 6238 §5.2). */
export const TOTP_STEP_MS = 30_000

/** Bytes of a base32 text, without padding and in any case; undefined when it is none. */
export function parseBase32(text: string): Uint8Array<ArrayBuffer> | undefined {
  const letters = text.toUpperCase().replace(/[\s=]/g, '')
  let value = 0
  let bits = 0
  const bytes: number[] = []
  for (const letter of letters) {
    const at = BITS.indexOf(letter)
    if (at < 0) return undefined
    value = ((value << 5) | at) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((value >> bits) & 0xff)
    }
  }
  return Uint8Array.from(bytes)
}

/** The password of six digits for a moment (RFC 6238, with SHA-1, which all services use). */
export async function renderTotp(secret: Uint8Array<ArrayBuffer>, at: Date): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-1' }
  const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['sign'])
  const counter = new DataView(new ArrayBuffer(8))
  counter.setBigUint64(0, BigInt(Math.floor(at.getTime() / TOTP_STEP_MS)))
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, counter.buffer))
  const offset = mac.getUint8(mac.byteLength - 1) & 0x0f
  const code = (mac.getUint32(offset) & 0x7fffffff) % 1_000_000
  return String(code).padStart(6, '0')
}
