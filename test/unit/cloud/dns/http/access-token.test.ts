import { beforeEach, describe, expect, it } from 'vitest'
import { createTokenSigner, type TokenSigner } from '../../../../../cloud/dns/http/access-token.ts'
import { createApiClient } from '../../../../../cloud/dns/http/api-client.ts'
import { createRedactor } from '../../../../../cloud/dns/http/redaction.ts'
import { UNLIMITED } from '../../../../fakes/dns/unlimited-budget.ts'

const REQUEST = { method: 'GET', url: 'https://api.test/', headers: {}, body: undefined }
const SECRET = 'the-secret-of-the-client'

describe('an access token', () => {
  let clock = 0
  let asked: RequestInit[] = []
  let answers: (() => Response)[] = []
  const token = (name: string, seconds: number | string = 3600) =>
    Response.json({ access_token: name, token_type: 'Bearer', expires_in: seconds })

  const dependencies = {
    async fetch(_: string, init: RequestInit) {
      asked.push(init)
      const answer = answers.shift()
      if (answer === undefined) throw new Error('nobody asked for another token')
      return answer()
    },
    now: () => new Date(clock),
    sleep: async () => undefined,
    random: () => 0,
    deadline: () => new AbortController().signal,
    budgets: () => UNLIMITED,
  }
  const signer = () =>
    createTokenSigner(
      {
        service: 'Service',
        baseUrl: 'https://login.test',
        path: '/token',
        secrets: [SECRET],
        fields: async () => ({ grant_type: 'client_credentials', client_secret: SECRET }),
      },
      dependencies,
    )
  const bearer = async ({ sign }: Pick<TokenSigner, 'sign'>) =>
    (await sign(REQUEST, () => undefined)).headers.authorization

  beforeEach(() => {
    clock = Date.parse('2026-01-31T12:00:00Z')
    asked = []
    answers = []
  })

  it('is asked for with a form, and kept until a minute before it ends', async () => {
    const sign = signer()
    answers = [() => token('first', '3600'), () => token('second')]
    expect(await bearer(sign)).toBe('Bearer first')
    expect(asked[0]).toMatchObject({
      method: 'POST',
      body: `grant_type=client_credentials&client_secret=${SECRET}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    clock += 3_539_999
    expect(await bearer(sign)).toBe('Bearer first')
    clock += 1
    expect(await bearer(sign)).toBe('Bearer second')
    expect(asked).toHaveLength(2)
  })

  it('is fetched once for all that wait for it', async () => {
    const sign = signer()
    answers = [() => token('first')]
    const all = await Promise.all([bearer(sign), bearer(sign), bearer(sign)])
    expect(all).toEqual(['Bearer first', 'Bearer first', 'Bearer first'])
    expect(asked).toHaveLength(1)
  })

  it('is fetched anew when the service does not take it any more', async () => {
    const tokens = signer()
    answers = [() => token('first'), () => token('second')]
    expect(await bearer(tokens)).toBe('Bearer first')
    tokens.forget()
    expect(await bearer(tokens)).toBe('Bearer second')
  })

  it('is asked for again after it could not be had', async () => {
    const sign = signer()
    answers = [() => new Response('not now', { status: 503 }), () => token('late')]
    await expect(bearer(sign)).rejects.toMatchObject({ kind: 'transient' })
    expect(asked).toHaveLength(1)
    expect(await bearer(sign)).toBe('Bearer late')
  })

  it.each([
    [400, 'invalid_grant'],
    [401, 'invalid_client'],
    [403, 'access_denied'],
  ])(
    'is refused with %i %s because of the credential, which is not shown',
    async (status, error) => {
      answers = [() => Response.json({ error, error_description: `no: ${SECRET}` }, { status })]
      const refused = bearer(signer())
      await expect(refused).rejects.toMatchObject({ kind: 'auth' })
      await expect(refused).rejects.toThrow(
        `failed to read an access token: Service answered ${status} (code ${error}: "no: [redacted]")`,
      )
    },
  )

  it.each([
    [{ access_token: '', expires_in: 1 }],
    [{ access_token: 'x', expires_in: 'soon' }],
    [[]],
  ])('is not made of %j', async (body) => {
    answers = [() => Response.json(body)]
    await expect(bearer(signer())).rejects.toMatchObject({ kind: 'protocol' })
  })

  it('is hidden wherever the service echoes it', async () => {
    const redactor = createRedactor([])
    answers = [() => token('a-token-of-some-length')]
    await signer().sign(REQUEST, redactor.add)
    expect(redactor.redact('said: a-token-of-some-length')).toBe('said: [redacted]')
  })

  it('that cannot be had is the fault of what needed it, and is asked for as often', async () => {
    answers = Array.from({ length: 9 }, () => () => new Response('', { status: 500 }))
    const options = { service: 'Service', baseUrl: 'https://api.test', secrets: [] }
    const budget = dependencies.budgets()
    const api = createApiClient({ ...options, sign: signer().sign }, budget, dependencies)
    const write = api.write({ method: 'PUT', path: '/', what: 'a record' })
    await expect(write).rejects.toMatchObject({ kind: 'transient' })
    await expect(write).rejects.toThrow(/failed to read an access token/)
    expect(asked).toHaveLength(1)
  })
})
