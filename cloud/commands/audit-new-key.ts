import { generateNoteSigner } from '../../shared/checkpoint.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { parseCloudUrl } from '../../shared/join.ts'
import { originOf } from '../log/origin.ts'
import type { Terminal } from './terminal.ts'

/** What `audit new-key` takes. */
export interface NewKeyOptions {
  /** The cloud's public URL, which gives the log its name. */
  readonly url?: string
  readonly json?: boolean
}

/**
 * Makes a key that signs a log, for runtimes that keep no files: the key alone goes to standard output,
 * for a program that stores secrets, and its public part is told beside it.
 * @throws ReprefixError USAGE, URL_INVALID
 */
export async function newKey({ json, ...given }: NewKeyOptions, terminal: Terminal): Promise<void> {
  const url = given.url ?? process.env.REPREFIX_URL
  if (url === undefined) {
    throw new ReprefixError(
      'USAGE',
      'say which cloud it is for: --url https://reprefix.example.org',
    )
  }
  const { signer, secret } = await generateNoteSigner(originOf(parseCloudUrl(url)))
  if (json === true) {
    terminal.out(JSON.stringify({ kind: 'log-key', key: secret, vkey: signer.vkey }))
    return
  }
  terminal.out(secret)
  terminal.err(
    `Store this as a secret (log.key in cloud.yaml) and keep a copy in a safe place: hosts pin it. Its public key: ${signer.vkey}`,
  )
}
