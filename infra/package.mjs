// Makes dist/reprefix-agent_VERSION_ARCHITECTURE.deb of what infra/build.mjs has built: node infra/package.mjs
// The same sources give the same bytes: every time in it is SOURCE_DATE_EPOCH, or that of the last commit.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const NAME = 'reprefix-agent'
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** @param {string} path */
const read = (path) => readFile(join(root, path), 'utf8')
const { version } = JSON.parse(await read('package.json'))

function readEpoch() {
  const { SOURCE_DATE_EPOCH } = process.env
  if (SOURCE_DATE_EPOCH) return Number(SOURCE_DATE_EPOCH)
  const command = ['log', '-1', '--format=%ct']
  return Number(execFileSync('git', command, { cwd: root, encoding: 'utf8' }))
}

/** What the agent loads beside its one file, and where it is native to this machine. */
const NATIVE = {
  koffi: ['package.json', 'index.cjs', 'src/koffi/index.cjs', 'src/koffi/src/static.cjs'],
  [`@koromix/koffi-linux-${process.arch}`]: [
    'package.json',
    'index.js',
    `linux_${process.arch}/koffi.node`,
  ],
}
// Without it the package is for every machine, and the agent takes longer (docs/design/decisions.md).
const isNative = Object.keys(NATIVE).every((name) => existsSync(join(root, 'node_modules', name)))
const architecture = isNative
  ? execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
  : 'all'
const control = await read('infra/debian/control')
const maintainer = /^Maintainer: (.*)$/m.exec(control)?.[1]
const epoch = readEpoch()
const date = new Date(epoch * 1000)
// Modes inside are the package's own, whoever builds it.
process.umask(0o022)
const stage = await mkdtemp(join(tmpdir(), `${NAME}-deb-`))
await chmod(stage, 0o755)

/**
 * @param {string} path inside the package
 * @param {string | Uint8Array} content
 */
async function put(path, content, mode = 0o644) {
  const target = join(stage, path)
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  await writeFile(target, content, { mode })
}

async function putNative() {
  for (const [name, files] of Object.entries(NATIVE)) {
    const from = join(root, 'node_modules', name)
    for (const file of files) {
      const target = join('usr/lib/reprefix/node_modules', name, file)
      await put(target, await readFile(join(from, file)))
    }
  }
}

/** @param {string} text */
function fill(text, size = 0) {
  return text
    .replaceAll('@VERSION@', version)
    .replaceAll('@ARCHITECTURE@', architecture)
    .replaceAll('@DATE@', date.toISOString().slice(0, 10))
    .replaceAll('@SIZE@', String(size))
}

/** The form that Debian asks for; what changed is told where operators of every kind read it. */
function renderChangelog() {
  const rfc5322 = date.toUTCString().replace('GMT', '+0000')
  return `${NAME} (${version}) unstable; urgency=medium

  * What changed for operators: CHANGELOG.md.gz beside this file.

 -- ${maintainer}  ${rfc5322}
`
}

/** What the licences of the libraries inside the bundle ask for: their names and their words. */
async function renderLicences() {
  const { sources } = JSON.parse(await read(`dist/${NAME}.js.map`))
  const directories = sources.flatMap((/** @type {string} */ source) => {
    const found = /^(?:\.\.\/)*((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(source)
    return found?.[1] === undefined ? [] : [found[1]]
  })
  const texts = []
  const native = isNative ? ['node_modules/koffi'] : []
  for (const directory of [...new Set([...directories, ...native])].sort()) {
    const { name, version: theirs, license } = JSON.parse(await read(`${directory}/package.json`))
    const files = await readdir(join(root, directory))
    const file = files.find((one) => /^(?:licen[cs]e|copying)(?:\.|$)/i.test(one))
    const words = file === undefined ? '' : `\n${(await read(`${directory}/${file}`)).trim()}\n`
    texts.push(`${name} ${theirs}: ${license}\n${words}`)
  }
  return `${NAME}.js contains these libraries, or comes with them.\n\n${texts.join(`\n${'-'.repeat(78)}\n\n`)}`
}

/** @param {string} directory, of which everything gets the one time */
async function setTimes(directory) {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await utimes(join(entry.parentPath, entry.name), epoch, epoch)
  }
}

try {
  const lib = `usr/lib/reprefix/${NAME}.js`
  const doc = `usr/share/doc/${NAME}`
  const bundle = (await read(`dist/${NAME}.js`)).replace(/^#!.*\n/, '#!/usr/bin/node\n')
  await put(lib, bundle.replace(/\n\/\/# sourceMappingURL=.*\n*$/, '\n'), 0o755)
  await put('usr/lib/reprefix/package.json', '{ "type": "module" }\n')
  if (isNative) await putNative()
  await mkdir(join(stage, 'usr/bin'), { mode: 0o755 })
  await symlink(`../lib/reprefix/${NAME}.js`, join(stage, `usr/bin/${NAME}`))
  await put(`usr/lib/systemd/system/${NAME}.service`, await read(`infra/systemd/${NAME}.service`))
  for (const [page, section] of [
    [NAME, 8],
    [`${NAME}.yaml`, 5],
  ]) {
    const text = fill(await read(`infra/debian/${page}.${section}`))
    await put(`usr/share/man/man${section}/${page}.${section}.gz`, gzipSync(text, { level: 9 }))
  }
  await put(`${doc}/copyright`, await read('infra/debian/copyright'))
  await put(`${doc}/libraries.gz`, gzipSync(await renderLicences(), { level: 9 }))
  await put(`${doc}/changelog.gz`, gzipSync(renderChangelog(), { level: 9 }))
  await put(`${doc}/CHANGELOG.md.gz`, gzipSync(await read('CHANGELOG.md'), { level: 9 }))
  await put(`${doc}/examples/agent.yaml`, await read('infra/examples/agent.yaml'))
  // Empty: an example in it would be taken for this host's settings.
  await mkdir(join(stage, 'etc/reprefix'), { recursive: true, mode: 0o755 })

  const kilobytes = execFileSync('du', ['-sk', '--apparent-size', stage], { encoding: 'utf8' })
  await put('DEBIAN/control', fill(control, Number.parseInt(kilobytes, 10)))
  for (const script of ['postinst', 'prerm', 'postrm']) {
    await put(`DEBIAN/${script}`, await read(`infra/debian/${script}`), 0o755)
  }
  await setTimes(stage)
  const target = join(root, 'dist', `${NAME}_${version}_${architecture}.deb`)
  await rm(target, { force: true })
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', stage, target], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch), LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (!process.argv.includes('--quiet')) console.log(target)
} finally {
  await rm(stage, { recursive: true, force: true })
}
