// Driver versions: create, replace while unreleased, read, delete, release.
import * as operations from '@littoral/contract/iot-edge/driver-versions'
import { Fault } from '@littoral/contract/errors'
import type { Handlers, Input } from '@littoral/contract/operation'
import type { Driver } from '../../domain/driver.ts'
import { type ConfigBlock, checkBlocks, parseDriverConfig } from '../../domain/driver-config.ts'
import {
  type DriverPackage,
  type DriverVersion,
  parseArgument,
  parseCheckRule,
  parseContainerConfig,
  parseDescription,
  parseSource,
  type VersionContent,
} from '../../domain/driver-version.ts'
import { newPage } from '../../domain/edge-page.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as versions from '../../store/iot-edge/driver-versions.ts'
import * as drivers from '../../store/iot-edge/drivers.ts'
import type { ReadTx, WriteTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { noteUse, ownKey, withFile, withUploadedFile } from './stored-files.ts'
import { toDriverVersionView } from './views.ts'

export const handlers = {
  async CreateEdgeDriverVersion(input, ctx) {
    const { store, principal, now, settings } = ctx
    const parsed = parseContent(input)
    await store.write(async (tx) => {
      const driver = await drivers.getOwn(tx, principal.accountId, input.DriverId)
      const content = await resolveContent(tx, ctx, driver, parsed)
      if ((await versions.find(tx, driver.id, input.DriverVersion)) !== undefined) throw new Fault('iot.edge.DriverVersionExist')
      const created = { createdAtMs: now(), modifiedAtMs: now(), isReleased: false }
      const version = { ...content, ...created, driverId: driver.id, accountId: principal.accountId, version: input.DriverVersion }
      versions.insert(tx, version, settings.limits.versionsPerDriver)
      noteUses(tx, ctx, content)
    })
    return {}
  },

  async UpdateEdgeDriverVersion(input, ctx) {
    const parsed = parseContent(input)
    await ctx.store.write(async (tx) => {
      const driver = await drivers.getOwn(tx, ctx.principal.accountId, input.DriverId)
      const before = await versions.get(tx, driver.id, input.DriverVersion)
      const content = await resolveContent(tx, ctx, driver, parsed)
      if (before.isReleased) throw new Fault('iot.edge.DriverVersionReleased')
      const { driverId, accountId, version, isReleased, createdAtMs } = before
      // Nothing of the old content is kept: what the call leaves out is erased (contract: iot-edge §4.5).
      versions.update(tx, { ...content, driverId, accountId, version, isReleased, createdAtMs, modifiedAtMs: ctx.now() })
      noteUses(tx, ctx, content)
    })
    return {}
  },

  async GetEdgeDriverVersion({ DriverId, DriverVersion }, ctx) {
    const found = await ctx.store.read(async (tx) => {
      const driver = await drivers.get(tx, ctx.principal.accountId, DriverId)
      return versions.get(tx, driver.id, DriverVersion)
    })
    return { Data: toDriverVersionView(found, ctx) }
  },

  async QueryEdgeDriverVersion({ DriverId, DriverVersion, VersionState, CurrentPage, PageSize }, ctx) {
    const at = newPage(CurrentPage, PageSize)
    const isReleased = VersionState === undefined ? undefined : VersionState === 1
    const found = await ctx.store.read(async (tx) => {
      const driver = await drivers.get(tx, ctx.principal.accountId, DriverId)
      return versions.page(tx, { driverId: driver.id, ...present({ version: DriverVersion, isReleased }) }, at)
    })
    const DriverVersionList = found.versions.map((version) => toDriverVersionView(version, ctx))
    return { Data: { DriverVersionList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async DeleteEdgeDriverVersion({ DriverId, DriverVersion }, { store, principal }) {
    await store.write(async (tx) => {
      const driver = await drivers.getOwn(tx, principal.accountId, DriverId)
      const version = await versions.get(tx, driver.id, DriverVersion)
      // Ahead of the check that it is assigned nowhere: a released version stays in any case.
      if (version.isReleased) throw new Fault('iot.edge.DriverVersionReleased')
      versions.remove(tx, driver.id, version.version)
    })
    return {}
  },

  async ReleaseEdgeDriverVersion({ DriverId, DriverVersion }, ctx) {
    const { store, principal, now } = ctx
    const { driver, version } = await store.read(async (tx) => {
      const owned = await drivers.getOwn(tx, principal.accountId, DriverId)
      return { driver: owned, version: await versions.get(tx, owned.id, DriverVersion) }
    })
    if (version.isReleased) return {}
    // The package is read outside the transaction, because that takes as long as the package is large.
    const code = driver.isBuiltIn ? undefined : await inspectedPackage(ctx, driver, version)
    await store.write(async (tx) => {
      const current = await versions.get(tx, driver.id, DriverVersion)
      if (current.isReleased) return
      if (JSON.stringify(current) !== JSON.stringify(version))
        throw invalidParam('DriverVersion', 'was changed while it was being released.')
      const configs = await resolvedConfigs(version.configs, (field, block) => withUploadedFile(tx, ctx, field, block))
      versions.update(tx, { ...version, configs, isReleased: true, modifiedAtMs: now(), ...(code && { package: code }) })
      noteUses(tx, ctx, version)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>

type ContentInput = Input<typeof operations.UpdateEdgeDriverVersion>
type ParsedContent = Omit<VersionContent, 'source'> & { readonly address?: string }

/** Everything that can be said of the content without looking elsewhere; an empty text counts as left out. */
function parseContent(input: ContentInput): ParsedContent {
  const { EdgeVersion, Argument, Description, SourceConfig, DriverConfig, ConfigCheckRule, ContainerConfig } = input
  return {
    edgeVersion: EdgeVersion,
    configs: DriverConfig ? parseDriverConfig(DriverConfig) : [],
    ...present({
      argument: parseArgument(Argument),
      description: parseDescription(Description),
      checkRule: ConfigCheckRule ? parseCheckRule(ConfigCheckRule) : undefined,
      container: ContainerConfig ? parseContainerConfig(ContainerConfig) : undefined,
      address: SourceConfig ? parseSource(SourceConfig) : undefined,
    }),
  }
}

async function resolveContent(tx: ReadTx, ctx: Context, driver: Driver, parsed: ParsedContent): Promise<VersionContent> {
  const { address, ...content } = parsed
  const configs = await resolvedConfigs(content.configs, (field, block) => withFile(tx, ctx, field, block))
  // A built-in driver has no code to upload; a source sent with it means nothing (contract: iot-edge §7).
  if (address === undefined || driver.isBuiltIn) return { ...content, configs }
  const key = await ownKey(tx, ctx, 'SourceConfig.ossAddress', address)
  return { ...content, configs, source: { address, key } }
}

function noteUses(tx: WriteTx, ctx: Context, { source, configs }: VersionContent): void {
  noteUse(tx, ctx, { blocks: configs, names: source === undefined ? [] : [source.key] })
}

async function resolvedConfigs(
  blocks: readonly ConfigBlock[],
  resolve: (field: string, block: ConfigBlock) => Promise<ConfigBlock>,
): Promise<ConfigBlock[]> {
  const resolved: ConfigBlock[] = []
  for (const [place, block] of blocks.entries()) resolved.push(await resolve(`DriverConfig[${place}].content`, block))
  checkBlocks('DriverConfig', resolved)
  return resolved
}

/** Throws iot.edge.DriverVersionNoSource with the reason why the code cannot be released. */
async function inspectedPackage(ctx: Context, driver: Driver, version: DriverVersion): Promise<DriverPackage> {
  const refuse = (Detail: string) => new Fault('iot.edge.DriverVersionNoSource', { Detail })
  if (version.source === undefined) throw refuse('SourceConfig is not set.')
  const found = await ctx.objects.inspect(version.source.key, driver)
  if (found === undefined) throw refuse(`nothing was uploaded to ${version.source.address}.`)
  const { packageBytes } = ctx.settings.limits
  if (found.sizeBytes > packageBytes) throw refuse(`the package is larger than ${packageBytes} bytes.`)
  if (found.problem !== undefined) throw refuse(found.problem)
  return { sha256: found.sha256, sizeBytes: found.sizeBytes }
}
