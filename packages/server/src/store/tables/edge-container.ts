// Table types of the edge container family, created by migrations/0003-edge-container.ts.
// oxlint-disable-next-line typescript/no-empty-object-type
export interface EdgeContainerTables {}
