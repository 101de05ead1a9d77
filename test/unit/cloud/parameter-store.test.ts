import { afterEach, describe, expect, it } from 'vitest'
import { openParameters, variablesIn } from '../../../cloud/parameter-store.ts'
import type { SettingsReference } from '../../../shared/settings-source.ts'
import { type ParameterStore, startParameterStore } from '../../fakes/parameter-store.ts'

const SETTINGS = {
  url: 'https://reprefix.example.org',
  admin: { token: '$' + '{env:ADMIN_TOKEN}' },
  log: { key: '$' + '{env:LOG_KEY}' },
  providers: {
    a: { key: 'x-$' + '{env:LOG_KEY}', path: '$' + '{file:/etc/tsig}', text: '$$' + '{env:NO}' },
  },
}
const variable = (name: string): SettingsReference => ({ kind: 'env', name })

let store: ParameterStore | undefined
afterEach(() => store?.close())

async function start(parameters: Readonly<Record<string, string>>): Promise<ParameterStore> {
  store = await startParameterStore(parameters)
  return store
}

describe('references in settings on AWS Lambda', () => {
  it('are all found, each once', () => {
    expect(variablesIn(SETTINGS)).toEqual(['ADMIN_TOKEN', 'LOG_KEY'])
  })

  it('are parameters, all read with one signed request', async () => {
    const { environment, asked } = await start({
      '/reprefix/ADMIN_TOKEN': 'of the operator',
      '/reprefix/LOG_KEY': 'of the log\n',
    })
    const resolve = await openParameters(SETTINGS, environment)
    expect(resolve(variable('ADMIN_TOKEN'))).toBe('of the operator')
    expect(resolve(variable('LOG_KEY'))).toBe('of the log')
    expect(asked()).toEqual([['/reprefix/ADMIN_TOKEN', '/reprefix/LOG_KEY']])
  })

  it('are variables where those are there, and nothing is asked for them', async () => {
    const { environment, asked } = await start({ '/reprefix/LOG_KEY': 'of the log' })
    const resolve = await openParameters(SETTINGS, { ...environment, ADMIN_TOKEN: 'here' })
    expect(resolve(variable('ADMIN_TOKEN'))).toBe('here')
    expect(asked()).toEqual([['/reprefix/LOG_KEY']])
  })

  it('are variables alone where no name of parameters is set', async () => {
    const { environment, asked } = await start({})
    const alone = { ...environment, REPREFIX_PARAMETERS: '' }
    const resolve = await openParameters(SETTINGS, alone)
    expect(() => resolve(variable('LOG_KEY'))).toThrow(/set the environment variable LOG_KEY/)
    expect(asked()).toEqual([])
  })

  it('say with which command to make a parameter that is not there', async () => {
    const { environment } = await start({ '/reprefix/ADMIN_TOKEN': 'x' })
    const resolve = await openParameters(SETTINGS, environment)
    expect(() => resolve(variable('LOG_KEY'))).toThrow(
      /there is no parameter \/reprefix\/LOG_KEY .*put-parameter --type SecureString --name \/reprefix\/LOG_KEY/,
    )
  })

  it('are read by ten, which is what one request may ask for', async () => {
    const names = Array.from({ length: 23 }, (_, i) => `S${String(i).padStart(2, '0')}`)
    const settings = Object.fromEntries(names.map((name) => [name, `$\{env:${name}}`]))
    const { environment, asked } = await start(
      Object.fromEntries(names.map((name) => [`/reprefix/${name}`, `value of ${name}`])),
    )
    const resolve = await openParameters(settings, environment)
    expect(names.map((name) => resolve(variable(name)))).toEqual(
      names.map((name) => `value of ${name}`),
    )
    expect(
      asked()
        .map(({ length }) => length)
        .sort(),
    ).toEqual([10, 10, 3])
  })

  it('are asked for once more when the service fails', async () => {
    const { environment, answerNext, asked } = await start({ '/reprefix/LOG_KEY': 'of the log' })
    answerNext({ status: 500, body: '' }, { status: 503, body: '{}' })
    const resolve = await openParameters(SETTINGS, environment)
    expect(resolve(variable('LOG_KEY'))).toBe('of the log')
    expect(asked()).toHaveLength(3)
  })

  it.each([
    [
      400,
      '{"__type":"AccessDeniedException","Message":"not for you"}',
      /AccessDenied.*not for you; permit ssm:GetParameters/,
    ],
    [
      400,
      '{"__type":"a#ThrottlingException","message":"Rate exceeded"}',
      /: ThrottlingException: Rate exceeded$/,
    ],
    [403, '<html>', /it answered 403$/],
    [
      200,
      '{"Parameters":[{"Name":"/reprefix/LOG_KEY","Value":["top-secret"]}]}',
      /of another form$/,
    ],
    [200, '{"Parameters":[{"Name":"/reprefix/LOG_KEY","Value":"top-secret', /of another form$/],
  ])('fail with %i and %s, and tell no value', async (status, body, message) => {
    const { environment, answerNext } = await start({})
    answerNext({ status, body })
    const failure = await openParameters(SETTINGS, environment).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'SECRET_UNREADABLE' })
    expect(String(failure)).toMatch(message)
    expect(String(failure)).toMatch(
      /failed to read \/reprefix\/ADMIN_TOKEN, \/reprefix\/LOG_KEY from/,
    )
    expect(String(failure)).not.toContain('top-secret')
  })

  it('are not read with another signature', async () => {
    const { environment } = await start({})
    const wrong = { ...environment, AWS_SECRET_ACCESS_KEY: 'of somebody else' }
    await expect(openParameters(SETTINGS, wrong)).rejects.toThrow(/SignatureDoesNotMatch/)
  })
})
