// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in settings are written so
import { describe, expect, it } from 'vitest'
import { resolveSettings } from '../../../shared/settings-json.ts'
import { createEnvResolver } from '../../../shared/settings-source.ts'

const resolve = createEnvResolver({ TOKEN: 'secret', EMPTY: '', NUMBER: 7 })

describe('settings that were written as JSON', () => {
  it('get their references resolved, and nothing else changed', () => {
    const settings = {
      token: '${env:TOKEN}',
      list: ['a${env:TOKEN}b', '$${env:TOKEN}', 1, true, null],
      deep: { er: [{ x: '${env:TOKEN}' }] },
    }
    const source = resolveSettings(settings, 'cloud.yaml', resolve)
    expect(source.value).toEqual({
      token: 'secret',
      list: ['asecretb', '${env:TOKEN}', 1, true, null],
      deep: { er: [{ x: 'secret' }] },
    })
    expect(source.referenceAt(['token'])).toBe('${env:TOKEN}')
    expect(source.referenceAt(['list', '0'])).toBe('${env:TOKEN}')
    expect(source.referenceAt(['list', '1'])).toBeUndefined()
    expect(source.lineAt(['token'])).toBeUndefined()
  })

  it('are not looked through twice', () => {
    const nested = createEnvResolver({ A: '${env:B}', B: 'x' })
    expect(resolveSettings('${env:A}', 'f', nested).value).toBe('${env:B}')
  })

  it.each([
    ['${env:GONE}', /^cloud\.yaml: a\.0: set the secret or variable GONE: it is empty$/],
    ['${env:EMPTY}', /a\.0: set the secret or variable EMPTY/],
    ['${env:NUMBER}', /a\.0: set the secret or variable NUMBER/],
    ['${file:/run/x}', /a\.0: there are no files here: use \$\{env:…\} for \/run\/x/],
    ['${vault:x}', /a\.0: "\$\{vault:x\}" is not a reference/],
  ])('say the path and the remedy: %s', (text, message) => {
    expect(() => resolveSettings({ a: [text] }, 'cloud.yaml', resolve)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(message),
      }),
    )
  })
})
