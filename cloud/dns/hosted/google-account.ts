import * as v from 'valibot'
import { ReprefixError } from '../../../shared/errors.ts'
import { signJwtGrant } from '../../../shared/jwt-grant.ts'
import { createTokenSigner, signWith, type TokenSigner } from '../http/access-token.ts'
import type { ProviderDependencies } from '../provider-type.ts'

const TOKEN_URL = 'https://oauth2.googleapis.com'
const SCOPE = 'https://www.googleapis.com/auth/ndev.clouddns.readwrite'
/** The longest that is accepted. */
const GRANT_SECONDS = 3600
const KEY_REMEDY =
  'the key file of the service account holds no key that can sign; use it as it was downloaded'

const keyFile = v.object({
  type: v.literal('service_account'),
  project_id: v.string(),
  client_email: v.string(),
  private_key: v.pipe(v.string(), v.startsWith('-----BEGIN PRIVATE KEY-----')),
})

/** The file that Google gives out with a key of a service account. */
export type KeyFile = v.InferOutput<typeof keyFile>

/**
 * Reads the JSON key file of a service account. No part of the text appears in the error.
 * @throws ReprefixError VALUE_INVALID
 */
export function parseKeyFile(text: string): KeyFile {
  const found = v.safeParse(v.pipe(v.string(), v.parseJson(), keyFile), text)
  if (found.success) return found.output
  throw new ReprefixError('VALUE_INVALID', 'is not the JSON key file of a service account')
}

/**
 * Adds an access token to requests, for which the account signs a grant itself.
 * https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests
 */
export function createGoogleSigner(
  { client_email: email, private_key: key }: KeyFile,
  dependencies: ProviderDependencies,
): TokenSigner {
  return createTokenSigner(
    {
      service: 'Google',
      baseUrl: TOKEN_URL,
      path: '/token',
      secrets: [key],
      remedies: {
        auth: 'the key of the service account is deleted or disabled, or the clock of this machine is wrong',
      },
      async fields(keepSecret) {
        const iat = Math.floor(dependencies.now().getTime() / 1000)
        const claims = { iss: email, aud: `${TOKEN_URL}/token`, scope: SCOPE, iat }
        const assertion = await signWith(KEY_REMEDY, () =>
          signJwtGrant({ ...claims, exp: iat + GRANT_SECONDS }, key),
        )
        keepSecret(assertion)
        return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
      },
    },
    dependencies,
  )
}
