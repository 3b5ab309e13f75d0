/** Storeys and rooms: where a file lives, and whether one file may import another. */
import {
  BELOW,
  EXCEPTIONS,
  FLOORS,
  OPEN_FOLDERS,
  ROOM_PARENTS,
  SIDEWAYS,
  SIDE_DOORS,
  SINGLE_ROOMS,
  type Storey,
} from "./rules.ts";

interface Room {
  readonly folder: string;
  readonly door: string;
}

/** The storey of a path; undefined for a folder that the house does not know. */
function storeyOf(path: string): Storey | undefined {
  const [first = "", ...rest] = path.split("/");
  if (rest.length === 0) return "root";
  return Object.hasOwn(BELOW, first) && first !== "root" ? (first as Storey) : undefined;
}

/** The room of a file; undefined in open folders, at the root, and for files beside the rooms. */
export function roomOf(path: string): Room | undefined {
  const single = SINGLE_ROOMS.find((folder) => path.startsWith(`${folder}/`));
  if (single !== undefined) return roomAt(single);
  for (const parent of ROOM_PARENTS) {
    const [name, ...rest] = path.startsWith(`${parent}/`) ? path.slice(parent.length + 1).split("/") : [];
    if (name !== undefined && rest.length > 0) return roomAt(`${parent}/${name}`);
  }
  return undefined;
}

function roomAt(folder: string): Room {
  return { folder, door: `${folder}/${folder.slice(folder.lastIndexOf("/") + 1)}.ts` };
}

/** Why `from` may not import `to`; undefined when it may. */
export function importFinding(from: string, to: string): string | undefined {
  const [here, there] = [storeyOf(from), storeyOf(to)];
  if (here === undefined) return `${from.split("/")[0]}/ is no folder of the house`;
  if (there === undefined) return `${to.split("/")[0]}/ is no folder of the house`;
  const [mine, theirs] = [roomOf(from), roomOf(to)];
  if (EXCEPTIONS[here]?.includes(to)) return undefined;
  if (here === there && mine?.folder === theirs?.folder) {
    if (mine !== undefined && Object.hasOwn(FLOORS, mine.folder)) return floorFinding(mine, from, to);
    const isOwnFolder = mine !== undefined || here === "root" || OPEN_FOLDERS.includes(here);
    return isOwnFolder ? undefined : `${from} belongs to no room`;
  }
  if (here === there) {
    if (!(SIDEWAYS[mine?.folder ?? ""] ?? []).includes(theirs?.folder ?? ""))
      return `sideways: ${mine?.folder ?? from} may not import ${theirs?.folder ?? to}`;
  } else if (!BELOW[here].includes(there)) {
    return `upward: ${here} may not import ${there} (${to})`;
  }
  const isOpen = OPEN_FOLDERS.includes(there) || there === "root" || SIDE_DOORS.includes(to);
  if (isOpen || theirs?.door === to) return undefined;
  return theirs === undefined
    ? `${to} belongs to no room`
    : `past the door: import ${theirs.door}, not ${to}`;
}

/** Within a room that has floors; its door stands beside them. */
function floorFinding({ folder, door }: Room, from: string, to: string): string | undefined {
  const floors = FLOORS[folder] ?? [];
  const nameOf = (path: string): string => path.slice(folder.length + 1).split("/")[0] ?? "";
  const [mine, theirs] = [nameOf(from), nameOf(to)];
  const missing = [mine, theirs].find((name) => `${folder}/${name}` !== door && !floors.includes(name));
  if (missing !== undefined) return `${folder}/${missing} is no floor of its room`;
  return floors.indexOf(theirs) >= floors.indexOf(mine)
    ? undefined
    : `upstairs: ${folder}/${mine} may not import ${theirs}`;
}
