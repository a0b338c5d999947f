// Pictures become JPEG of a moderate size before they are sent: the network sees 224×224 pixels, and so formats that only the browser can read
// do, too, turned as the camera meant them and without what a phone writes beside the pixels.
const side = 320; // pixels of the shorter side

function toJPEG(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => blob ? resolve(blob) : reject(new Error("This browser cannot write JPEG.")), "image/jpeg", 0.92);
  });
}

function paint(source, x, y, w, h, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const c = canvas.getContext("2d");
  c.fillStyle = "white"; // behind what is transparent
  c.fillRect(0, 0, width, height);
  c.imageSmoothingQuality = "high";
  c.drawImage(source, x, y, w, h, 0, 0, width, height);
  return canvas;
}

// fromFile is a file as JPEG; what the browser cannot read is left as it is, up to so many bytes, and the server says what it is.
export async function fromFile(file, most) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {imageOrientation: "from-image"});
  } catch {
    const first = await file.slice(0, 1).arrayBuffer().catch(() => null);
    if (first === null) throw new Error("This is a folder, or a file that cannot be read. Drop the pictures that are in it.");
    if (file.size > most) throw new Error(`This is no picture that the browser can read, and too large to be sent: ${Math.floor(most / 2 ** 20)} MB are the most.`);
    return file;
  }
  const scale = Math.min(1, side / Math.min(bitmap.width, bitmap.height), 2000 / Math.max(bitmap.width, bitmap.height));
  const [w, h] = [bitmap.width, bitmap.height].map((n) => Math.max(1, Math.round(n * scale)));
  const canvas = paint(bitmap, 0, 0, bitmap.width, bitmap.height, w, h);
  bitmap.close();
  return toJPEG(canvas);
}

// fromVideo is the middle square of what the camera shows now, which is what the page shows of it.
export function fromVideo(video) {
  const n = Math.min(video.videoWidth, video.videoHeight);
  return toJPEG(paint(video, (video.videoWidth - n) / 2, (video.videoHeight - n) / 2, n, n, side, side));
}

// filesOf are the files of something dropped or pasted.
export function filesOf(transfer) {
  return [...transfer?.files ?? []];
}
