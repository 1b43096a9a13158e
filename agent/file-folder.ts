import type { Connector, SystemAccess } from '../core/connector.ts';
import { namespaceOf } from '../core/sync-spec.ts';
import type { RunContext } from './engine/context.ts';

type DefinitionOf = RunContext['definitionOf'];

/**
 * Wraps the connectors so that the files of each namespace are restricted to a folder of its own: ROOT/NAMESPACE. Otherwise a user with
 * the right to write a DataSource could access every file of the agent. Without a root no file is accessible.
 */
export function withFileFolder(definitionOf: DefinitionOf, root: string | undefined): DefinitionOf {
  const confined = (access: SystemAccess): SystemAccess => ({ ...access, files: filesOf(access, root) });
  return (type) => {
    const definition = definitionOf(type);
    return { ...definition, load: async () => confinedConnector(await definition.load(), confined) };
  };
}

function filesOf({ dataSource }: SystemAccess, root: string | undefined): NonNullable<SystemAccess['files']> {
  const namespace = namespaceOf(dataSource);
  const isName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(namespace);
  return root === undefined || !isName ? 'none' : { root, namespace };
}

function confinedConnector(
  connector: Connector,
  confined: (access: SystemAccess) => SystemAccess,
): Connector {
  return {
    ...connector,
    check: (access, signal) => connector.check(confined(access), signal),
    discover: (access, signal) => connector.discover(confined(access), signal),
    openSource: (access, object, signal) => connector.openSource(confined(access), object, signal),
    openDestination: (access, object, signal) => connector.openDestination(confined(access), object, signal),
  };
}
